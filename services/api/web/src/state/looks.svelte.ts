// What is new since this person last looked: kept in this browser, per space, in the data's time.
import type { Alert, Mode } from '../contract';

const FIRST_LOOK_MS = 3_600_000;

export class LastLook {
  /** Null until the data's clock is known. */
  since = $state.raw<Date | null>(null);
  #seen = $state.raw(new Set<string>());
  #mode: Mode = 'live';

  /**
   * Take up the stored look; one from after `now` belongs to an earlier run of an exercise and is dropped. Who looks for
   * the first time is new here, and so is what the last hour brought.
   */
  begin(mode: Mode, now: Date): void {
    if (this.since && mode === this.#mode) return;
    this.#mode = mode;
    const stored = Date.parse(localStorage.getItem(`gs-look-${mode}`) ?? '');
    this.since = new Date(stored <= now.getTime() ? stored : now.getTime() - FIRST_LOOK_MS);
    this.save(this.since);
  }

  isNew(alert: Alert): boolean {
    return this.since !== null && Date.parse(alert.raised_at) > this.since.getTime() && !this.#seen.has(alert.id);
  }

  see(id: string): void {
    if (!this.#seen.has(id)) this.#seen = new Set(this.#seen).add(id);
  }

  seeAll(now: Date): void {
    this.since = now;
    this.#seen = new Set();
    this.save(now);
  }

  save(now: Date): void {
    localStorage.setItem(`gs-look-${this.#mode}`, now.toISOString());
  }
}
