// How old what you see is: from bytes that arrived and from the beat's own clock, never from a timer that reassures.
import type { Beat, Hello, Mode } from '../contract';
import type { Signal } from '../net/stream';
import { ticker } from './ticker.svelte';

const LOST_AFTER_MS = 15_000;
const DOWN_SHOWN_AFTER_MS = 1_500;
const LATE_SECONDS = 30;

export type State = 'starting' | 'live' | 'late' | 'lost';

export class Connection {
  beat = $state.raw<Beat | null>(null);
  mode = $state<Mode>('live');
  newBuild = $state(false);
  /** How often the stream was up again after it had been lost. */
  recoveries = $state(0);
  retryAt = $state<number | null>(null);
  #beatAt = $state(0);
  #byteAt = $state(0);
  #downAt = $state<number | null>(null);
  #openedAt = $state(Date.now());
  #build: string | null = null;
  #wasLost = false;

  state: State = $derived.by(() => {
    if (this.#downAt !== null && ticker.now - this.#downAt > DOWN_SHOWN_AFTER_MS) return 'lost';
    if (!this.#byteAt) return ticker.now - this.#openedAt > LOST_AFTER_MS ? 'lost' : 'starting';
    if (ticker.now - this.#byteAt > LOST_AFTER_MS) return 'lost';
    if (!this.beat) return 'starting';
    return this.lag > LATE_SECONDS ? 'late' : 'live';
  });

  /** Seconds that the detector was behind when the last beat was sent. */
  lag = $derived(Math.max(0, this.beat?.lag_seconds ?? 0));

  /** Seconds: how far behind the data was, plus the time since we last heard of it. Null before the first data. */
  dataAge = $derived.by(() => {
    const beat = this.beat;
    if (!beat?.log_time) return null;
    const behind = this.mode === 'live' ? (Date.parse(beat.now) - Date.parse(beat.log_time)) / 1000 : 0;
    return Math.max(this.lag, behind, 0) + Math.max(0, ticker.now - this.#beatAt) / 1000;
  });

  /** Whether the loss has lasted longer than this many milliseconds. */
  lostFor(ms: number): boolean {
    const since = this.#downAt ?? this.#byteAt;
    return this.state === 'lost' && since > 0 && ticker.now - since > ms;
  }

  /** The data's clock: the server's in a live space, log time elsewhere (an exercise may run at sixty times the speed). */
  now(newestAlert: number): Date {
    const beat = this.beat;
    if (this.mode === 'live' && beat) {
      const elapsed = this.state === 'lost' ? 0 : Math.max(0, ticker.now - this.#beatAt);
      return new Date(Date.parse(beat.now) + elapsed);
    }
    const log = beat?.log_time ? Date.parse(beat.log_time) : 0;
    return new Date(Math.max(log, newestAlert) || ticker.now);
  }

  take(signal: Signal): void {
    if (signal.type === 'down') {
      this.#downAt ??= Date.now();
      this.retryAt = signal.retryAt;
      return;
    }
    this.#byteAt = Date.now();
    this.retryAt = null;
    if (signal.type === 'open') return;
    this.#wasLost ||= this.state === 'lost';
    this.#downAt = null;
  }

  hello(hello: Hello): void {
    if (this.#build && hello.build && hello.build !== this.#build) this.newBuild = true;
    this.#build ??= hello.build ?? null;
    if (this.#wasLost) this.recoveries += 1;
    this.#wasLost = false;
  }

  takeBeat(beat: Beat): void {
    this.beat = beat;
    this.#beatAt = Date.now();
    if (beat.mode) this.mode = beat.mode;
  }
}
