import { ratio } from '../../format/numbers';
import { say } from '../../words/index.svelte';
import type { Known } from './states.svelte';

const TIMES = [1, 1.3, 2, 3];

/** How unusual an area is, or why that cannot be said: in a word for a table, in a sentence elsewhere. */
export function levelWords({ state, level }: Known, inShort = false): string {
  if (state === 'silent' || state === 'warming') return say(inShort ? `map_${state}_short` : `map_${state}`);
  const n = ratio(TIMES[Math.abs(level)] ?? 1);
  const words = level > 0 ? say('map_more', { n }) : level < 0 ? say('map_less', { n }) : say('map_within');
  return state === 'stale' ? `${words}; ${say('map_stale_short')}` : words;
}
