// What was just done, with a way back. Each stays ten seconds, longer while somebody reads it.
const SHOWN_MS = 10_000;

export interface Choice {
  text: string;
  /** The key u chooses it. */
  isUndo?: boolean;
  run: () => void;
}

export interface Toast {
  id: number;
  text: string;
  /** More lines, e.g. what changed meanwhile. */
  lines: string[];
  choices: Choice[];
  /** Stays until it is dismissed. */
  stays: boolean;
}

class Toasts {
  list = $state.raw<Toast[]>([]);
  #next = 1;
  #timers = new Map<number, ReturnType<typeof setTimeout>>();
  #underway = 0;
  #isUndoWanted = false;

  /** A deed whose way back is not known yet: until it is, u means this one and not an older one. */
  async during<T>(deed: Promise<T>): Promise<T> {
    this.#underway++;
    try {
      return await deed;
    } finally {
      if (--this.#underway === 0) this.#isUndoWanted = false;
    }
  }

  show(text: string, { lines = [], choices = [], stays = false }: Partial<Toast> = {}): void {
    const undo = choices.find((choice) => choice.isUndo);
    if (undo && this.#isUndoWanted) {
      this.#isUndoWanted = false;
      return undo.run();
    }
    const id = this.#next++;
    this.list = [...this.list.filter((toast) => toast.stays), ...this.list.filter((toast) => !toast.stays).slice(-1), { id, text, lines, choices, stays }];
    if (!stays) this.letGo(id);
  }

  dismiss(id: number): void {
    this.hold(id);
    this.list = this.list.filter((toast) => toast.id !== id);
  }

  hold(id: number): void {
    clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
  }

  letGo(id: number): void {
    this.hold(id);
    if (this.list.find((toast) => toast.id === id)?.stays) return;
    this.#timers.set(id, setTimeout(() => this.dismiss(id), SHOWN_MS));
  }

  /** Choose the newest way back, as soon as it is there. Whether there was one. */
  undo(): boolean {
    if (this.#underway) return (this.#isUndoWanted = true);
    const toast = this.list.findLast((one) => one.choices.some((choice) => choice.isUndo));
    if (!toast) return false;
    this.dismiss(toast.id);
    toast.choices.find((choice) => choice.isUndo)?.run();
    return true;
  }
}

export const toasts = new Toasts();
