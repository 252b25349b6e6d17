// Alerts that belong together: same home area, or same need at level 2, raised within 24 hours of a neighbour.
// The same rule as the API's own grouping, so that a live change needs no question to the server.
import type { Alert } from '../contract';
import type { Item } from './item.svelte';

const DAY_MS = 24 * 3600 * 1000;
const QUIET_MS = 6 * 3600 * 1000;
const LOAD_MS = 10 * 60 * 1000;

export interface Group {
  /** The earliest alert's. */
  id: string;
  first: Item;
  /** In the order they were given: the worst first. */
  items: Item[];
}

/** Groups of `ranked`, in the order of their best-ranked member. */
export function gather(ranked: Item[], groupOf: (need: string | null) => string | null): Group[] {
  const ordered = [...ranked].sort((a, b) => raised(a) - raised(b) || a.id.localeCompare(b.id));
  const leader = ordered.map((_, index) => index);
  const find = (index: number): number => {
    let at = index;
    while (leader[at] !== at) at = leader[at] ?? at;
    return at;
  };
  const last = new Map<string, number>();
  ordered.forEach((item, index) => {
    const need = groupOf(item.base.need);
    for (const key of [`home ${item.base.home_area}`, need === null ? null : `need ${need}`]) {
      if (key === null) continue;
      const before = last.get(key);
      if (before !== undefined && raised(item) - raised(ordered[before] ?? item) <= DAY_MS) {
        const [one, other] = [find(before), find(index)];
        leader[Math.max(one, other)] = Math.min(one, other);
      }
      last.set(key, index);
    }
  });
  const groups = new Map<number, Group>();
  const place = new Map(ordered.map((item, index) => [item, find(index)]));
  for (const item of ranked) {
    const at = place.get(item) ?? 0;
    const first = ordered[at] ?? item;
    const group = groups.get(at);
    if (group) group.items.push(item);
    else groups.set(at, { id: first.id, first, items: [item] });
  }
  return [...groups.values()];
}

/** Open for over a day, and nothing new for six hours. */
export function isStanding(alert: Alert, now: Date): boolean {
  return now.getTime() - Date.parse(alert.raised_at) > DAY_MS && now.getTime() - Date.parse(alert.updated_at) > QUIET_MS;
}

/** How many of these were raised in the last ten minutes. */
export function load(items: Item[], now: Date): number {
  return items.filter((item) => now.getTime() - raised(item) < LOAD_MS).length;
}

function raised(item: Item): number {
  return -item.rank[5];
}
