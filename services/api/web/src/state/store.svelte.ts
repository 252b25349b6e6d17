// The one store of alerts: cards, counts, title and announcements all come from here, so they cannot disagree.
import type { Alert, Severity } from '../contract';
import { compare, isSerious, SEVERITIES } from '../format/order';

const ENDED_KEPT_MS = 24 * 3600 * 1000;

/** One alert on the page. A new version replaces `alert`; what the person opened stays open. */
export class Item {
  alert: Alert;
  was = $state.raw<{ severity: Severity; until: string } | null>(null);
  expanded = $state(false);
  asTable = $state(false);
  arrived = $state(false);
  placedAs: Severity;

  constructor(alert: Alert, arrived: boolean) {
    this.alert = $state.raw(alert);
    this.arrived = arrived;
    this.placedAs = alert.severity;
  }

  get id(): string {
    return this.alert.id;
  }

  get ended(): boolean {
    return this.alert.status === 'ended';
  }

  /** Whether it was newer than what is shown. */
  take(next: Alert): boolean {
    const { version, human_version: human = 0, severity } = this.alert;
    if (next.version < version || (next.version === version && (next.human_version ?? 0) <= human)) return false;
    if (next.severity !== severity) this.was = { severity, until: next.updated_at };
    this.alert = next;
    return true;
  }
}

export interface Changes {
  added: Alert[];
  changed: Alert[];
  ended: Alert[];
}

export class AlertStore {
  /** What the list shows, in order. While it is frozen only the cards' contents change. */
  shown = $state.raw<Item[]>([]);
  /** Severe and extreme alerts that came while the list was frozen. */
  tray = $state.raw<Item[]>([]);
  pending = $state.raw({ added: 0, moved: 0 });
  #all = $state.raw<Item[]>([]);
  #byId = new Map<string, Item>();
  #frozen = false;

  open = $derived(this.#all.filter((item) => !item.ended));
  counts = $derived(
    SEVERITIES.map((severity) => ({ severity, n: this.open.filter((item) => item.alert.severity === severity).length })),
  );
  newest = $derived(Math.max(0, ...this.#all.map((item) => Date.parse(item.alert.updated_at))));

  /** Merge what came; `arrived` is false for what was already there when the page opened. */
  take(alerts: Alert[], arrived: boolean): Changes {
    const changes: Changes = { added: [], changed: [], ended: [] };
    for (const alert of alerts) {
      const item = this.#byId.get(alert.id);
      if (!item) {
        this.#byId.set(alert.id, new Item(alert, arrived));
        if (alert.status !== 'ended') changes.added.push(alert);
      } else {
        const endedBefore = item.ended;
        if (item.take(alert)) (alert.status === 'ended' && !endedBefore ? changes.ended : changes.changed).push(alert);
      }
    }
    this.#all = [...this.#byId.values()];
    this.arrange();
    return changes;
  }

  has(id: string): boolean {
    return this.#byId.has(id);
  }

  remove(ids: string[]): void {
    for (const id of ids) this.#byId.delete(id);
    this.#all = [...this.#byId.values()];
    this.shown = this.shown.filter((item) => !ids.includes(item.id));
    this.tray = this.tray.filter((item) => !ids.includes(item.id));
    this.arrange();
  }

  /** Ended less than 24 hours before `now` (the data's clock), latest first. */
  endedBy(now: Date): Item[] {
    const end = (item: Item): number => Date.parse(item.alert.ended_at ?? item.alert.updated_at);
    return this.#all
      .filter((item) => item.ended && now.getTime() - end(item) < ENDED_KEPT_MS && !this.shown.includes(item))
      .sort((a, b) => end(b) - end(a));
  }

  /** Nothing may move under a pointer or the focus. */
  freeze(frozen: boolean): void {
    this.#frozen = frozen;
    if (!frozen) this.arrange();
  }

  /** Put everything in its place now (asked for by the person, or nobody is in the list). */
  show(): void {
    const wanted = [...this.open].sort((a, b) => compare(a.alert, b.alert));
    for (const item of wanted) item.placedAs = item.alert.severity;
    this.shown = wanted;
    this.tray = [];
    this.pending = { added: 0, moved: 0 };
  }

  private arrange(): void {
    if (!this.#frozen || this.shown.length === 0) return this.show();
    const known = new Set(this.shown);
    const waiting = this.open.filter((item) => !known.has(item)).sort((a, b) => compare(a.alert, b.alert));
    this.tray = waiting.filter((item) => isSerious(item.alert));
    const moved = this.shown.filter((item) => item.ended || item.alert.severity !== item.placedAs).length;
    this.pending = { added: waiting.length, moved };
  }
}
