// Which need the map speaks of while nobody has chosen one: the one that the worst open alert is about.
import type { Item } from '../../state/item.svelte';

const ALL = 'contacts';

/** An alert on all calls rests on its parts: then the need that adds most to it. */
export function needInFocus(ranked: Item[]): string {
  const worst = ranked.find((item) => item.base.need !== null)?.base;
  if (!worst?.need) return ALL;
  if (worst.need !== ALL) return worst.need;
  const parts = worst.drivers.filter((driver) => driver.need !== ALL && driver.observed > driver.expected);
  return parts.toSorted((a, b) => b.observed - b.expected - (a.observed - a.expected))[0]?.need ?? ALL;
}
