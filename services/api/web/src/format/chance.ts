// How often chance alone does this, said as a percentage of an ordinary week or year (people take
// "once in N years" to mean that it is not due yet).
import type { Alert } from '../contract';
import { say, type Key } from '../words/index.svelte';
import { percent } from './numbers';

/** One sentence, or '' where chance is not the question (a silent feed, a fixed rule). */
export function chanceSentence({ kind, recurrence_days: days }: Pick<Alert, 'kind' | 'recurrence_days'>): string {
  if (kind === 'silence' || kind === 'trigger' || !(days > 0)) return '';
  const fall = kind === 'drop' ? '_fall' : '';
  // Of a year only where that is no longer likely: a rarer rise must never read as the weaker one.
  const horizon = days * Math.LN2 < 365 ? 'week' : 'year';
  const chance = 1 - Math.exp(-(horizon === 'week' ? 7 : 365) / days);
  if (horizon === 'week' && chance > 0.5) return say(`chance${fall}_high`);
  const under = chance < 0.01;
  const key: Key = `chance${fall}_${horizon}${under ? '_under' : ''}`;
  return say(key, { p: percent(under ? 0.01 : rounded(chance)) });
}

/** Whole percent: more digits would claim more than is known. */
function rounded(chance: number): number {
  return Math.round(chance * 100) / 100;
}
