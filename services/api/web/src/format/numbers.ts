// Numbers as the chosen language writes them.
import { language, say } from '../words/index.svelte';
import { numberFormat } from './intl';

function format(value: number, options: Intl.NumberFormatOptions): string {
  return numberFormat(language.locale, options).format(value);
}

export function whole(value: number): string {
  return format(Math.round(value), { maximumFractionDigits: 0 });
}

/** An expectation: one decimal below 10 (2.4 calls are usual), whole above. */
export function expectation(value: number): string {
  return format(value, { maximumFractionDigits: value < 10 ? 1 : 0 });
}

/** "about 31"; below a twentieth of a call a number would only look like a mistake. */
export function about(value: number): string {
  return value < 0.05 ? say('hardly_any') : say('about', { n: expectation(value) });
}

/** How many times the usual: 2.7, 12. */
export function ratio(value: number): string {
  return format(value, { maximumFractionDigits: value < 10 ? 1 : 0 });
}

/** A length of time in one unit, rounded down: 4 sec, 12 min, 3 hr, 2 days. */
export function duration(seconds: number): string {
  const [unit, size] = unitFor(Math.abs(seconds));
  const value = Math.floor(Math.abs(seconds) / size);
  return format(value, { style: 'unit', unit, unitDisplay: unit === 'day' ? 'long' : 'short' });
}

export function percent(share: number): string {
  return format(share, { style: 'percent', maximumFractionDigits: share < 0.1 ? 1 : 0 });
}

export function unitFor(seconds: number): ['second' | 'minute' | 'hour' | 'day', number] {
  if (seconds < 120) return ['second', 1];
  if (seconds < 2 * 3600) return ['minute', 60];
  if (seconds < 2 * 86400) return ['hour', 3600];
  return ['day', 86400];
}
