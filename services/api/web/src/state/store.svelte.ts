// The one store of alerts: cards, counts, title and announcements all come from here, so they cannot disagree.
import type { Alert, Severity } from '../contract';
import { compare, isSerious, SEVERITIES } from '../format/order';
import { gather, isStanding, type Group } from './incidents';
import { Item } from './item.svelte';

const ENDED_KEPT_MS = 24 * 3600 * 1000;

export interface Changes {
  added: Alert[];
  changed: Alert[];
  ended: Alert[];
}

/** What the store must know of the rest of the page to decide what is shown and how it belongs together. */
export interface Rules {
  /** Hidden by a silence in force, and not asked for. */
  isHidden: (alert: Alert) => boolean;
  matches: (alert: Alert) => boolean;
  /** The need at level 2, which ties alerts of different home areas together. */
  groupOf: (need: string | null) => string | null;
  now: () => Date;
}

const ALL: Rules = { isHidden: () => false, matches: () => true, groupOf: (need) => need, now: () => new Date(0) };

export class AlertStore {
  /** What the list shows, in order. While it is frozen only the cards' contents change. */
  groups = $state.raw<Group[]>([]);
  /** Open for over a day without news: out of the list, never out of sight. */
  standing = $state.raw<Item[]>([]);
  shown = $derived(this.groups.flatMap((group) => group.items));
  /** Severe and extreme alerts that came while the list was frozen. */
  tray = $state.raw<Item[]>([]);
  pending = $state.raw({ added: 0, moved: 0 });
  rules: Rules = ALL;
  #all = $state.raw<Item[]>([]);
  #byId = new Map<string, Item>();
  #frozen = false;

  all = $derived(this.#all);
  open = $derived(this.#all.filter((item) => !item.ended));
  newest = $derived(Math.max(0, ...this.#all.map((item) => Date.parse(item.base.updated_at))));

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

  /** Follows what comes later: reads the list of all items. */
  find(id: string): Item | undefined {
    return this.#all.find((item) => item.id === id);
  }

  remove(ids: string[]): void {
    for (const id of ids) this.#byId.delete(id);
    this.#all = [...this.#byId.values()];
    const stays = (item: Item): boolean => !ids.includes(item.id);
    this.groups = this.groups.map((group) => ({ ...group, items: group.items.filter(stays) })).filter((group) => group.items.length);
    this.tray = this.tray.filter(stays);
    this.arrange();
  }

  counts(now: Date): { severity: Severity; n: number }[] {
    const seen = this.open.filter((item) => !item.silencedAt(now));
    return SEVERITIES.map((severity) => ({ severity, n: seen.filter((item) => item.base.severity === severity).length }));
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
    const now = this.rules.now();
    const wanted = this.#wanted().sort(compare);
    for (const item of wanted) item.placedAs = item.base.severity;
    const groups = gather(wanted.filter((item) => !isStanding(item.base, now)), this.rules.groupOf);
    if (!sameItems(groups, this.groups)) this.groups = groups;
    for (const group of this.groups) for (const item of group.items) item.lead = item === group.items[0];
    this.standing = wanted.filter((item) => isStanding(item.base, now));
    this.tray = [];
    this.pending = { added: 0, moved: 0 };
  }

  /** Show it all, or, under a pointer or the focus, only count what would move. */
  arrange(): void {
    if (!this.#frozen || this.shown.length === 0) return this.show();
    const known = new Set([...this.shown, ...this.standing]);
    const wanted = new Set(this.#wanted());
    const waiting = [...wanted].filter((item) => !known.has(item)).sort(compare);
    this.tray = waiting.filter((item) => isSerious(item.base));
    const moved = this.shown.filter((item) => !wanted.has(item) || item.base.severity !== item.placedAs).length;
    this.pending = { added: waiting.length, moved };
  }

  #wanted(): Item[] {
    return this.open.filter((item) => !this.rules.isHidden(item.base) && this.rules.matches(item.base));
  }
}

function sameItems(a: Group[], b: Group[]): boolean {
  return a.length === b.length && a.every((group, i) => {
    const other = b[i]?.items ?? [];
    return group.items.length === other.length && group.items.every((item, j) => item === other[j]);
  }); // prettier-ignore
}
