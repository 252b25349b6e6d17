// Which moment is shown, and how it moves: play, pause, speed, jump. A step waits for the answer of the one before.
export const SPEEDS = [60, 300, 900, 3600];
const TICK_MS = 500;

export class Player {
  /** The moment shown, ms. */
  at = $state(0);
  playing = $state(false);
  speed = $state(SPEEDS[1] ?? 300);
  /** Set while an answer is awaited: playing does not run ahead of what can be shown. */
  busy = false;
  #start: () => number;
  #end: () => number;

  constructor(start: () => number, end: () => number) {
    this.#start = start;
    this.#end = end;
  }

  jump(to: number): void {
    this.at = Math.round(Math.min(this.#end(), Math.max(this.#start(), to)));
  }

  /** From the end it begins anew. */
  toggle(): void {
    if (!this.playing && this.at >= this.#end()) this.at = this.#start();
    this.playing = !this.playing;
  }

  /** Runs while it plays; returns how to stop. */
  run(): () => void {
    const timer = setInterval(() => {
      if (this.busy) return;
      this.jump(this.at + this.speed * TICK_MS);
      if (this.at >= this.#end()) this.playing = false;
    }, TICK_MS);
    return () => clearInterval(timer);
  }
}
