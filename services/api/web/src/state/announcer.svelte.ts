// What a screen reader is told: at most one polite sentence in ten seconds, assertive only where it is critical now.
import { inLanguage, say, type Key } from '../words/index.svelte';
import type { Changes } from './store.svelte';

const PAUSE_MS = 10_000;

export class Announcer {
  polite = $state('');
  assertive = $state('');
  #counts = { added: 0, changed: 0, ended: 0 };
  #timer = 0;
  #lastAt = 0;

  take(changes: Changes): void {
    this.#counts.added += changes.added.length;
    this.#counts.changed += changes.changed.length;
    this.#counts.ended += changes.ended.length;
    const extreme = changes.added.find((alert) => alert.severity === 'extreme');
    if (extreme) this.assertive = say('said_extreme', { headline: inLanguage(extreme.headline) });
    const any = this.#counts.added + this.#counts.changed + this.#counts.ended;
    if (any && !this.#timer) {
      this.#timer = setTimeout(() => this.#speak(), Math.max(500, this.#lastAt + PAUSE_MS - Date.now()));
    }
  }

  /** Said at once: the answer to something that the person did or waits for. */
  say(sentence: string): void {
    this.polite = sentence;
    this.#lastAt = Date.now();
  }

  alarm(sentence: string): void {
    this.assertive = sentence;
  }

  #speak(): void {
    const { added, changed, ended } = this.#counts;
    const parts: [Key, number][] = [['said_new', added], ['said_changed', changed], ['said_ended', ended]]; // prettier-ignore
    this.polite = parts.filter(([, n]) => n).map(([key, n]) => say(key, { n })).join('; '); // prettier-ignore
    this.#counts = { added: 0, changed: 0, ended: 0 };
    this.#timer = 0;
    this.#lastAt = Date.now();
  }
}
