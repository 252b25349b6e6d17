// Moments as text, always in the zone of the area they speak of, with the zone written out.
import { language, say } from '../words/index.svelte';
import { dateFormat, relativeFormat } from './intl';
import { unitFor } from './numbers';

function formatter(zone: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  return dateFormat(language.locale, { timeZone: zone, hourCycle: 'h23', ...options });
}

const CLOCK: Intl.DateTimeFormatOptions = { hour: '2-digit', minute: '2-digit' };
const ZONE: Intl.DateTimeFormatOptions = { timeZoneName: 'short' };
const DAY: Intl.DateTimeFormatOptions = { weekday: 'short', day: 'numeric', month: 'short' };

/** 02:05, for a moment whose day and zone are said beside it. */
export const clock = (at: Date, zone: string): string => formatter(zone, CLOCK).format(at);

/** 02:05 CDT */
export const clockWithZone = (at: Date, zone: string): string => formatter(zone, { ...CLOCK, ...ZONE }).format(at);

/** Sun, Jul 26, 02:05 CDT */
export const dayAndClock = (at: Date, zone: string): string => formatter(zone, { ...DAY, ...CLOCK, ...ZONE }).format(at);

/** Sun, Jul 26 */
export const day = (at: Date, zone: string): string => formatter(zone, DAY).format(at);

/** Sun */
export const weekday = (at: Date, zone: string): string => formatter(zone, { weekday: 'short' }).format(at);

/** The clock alone while it is the same day as `now` over there, else with the day. */
export function moment(at: Date, now: Date, zone: string): string {
  return day(at, zone) === day(now, zone) ? clockWithZone(at, zone) : dayAndClock(at, zone);
}

/** 8 min ago, by the data's clock; "just now" within five seconds of it or after it. */
export function ago(at: Date, now: Date): string {
  const seconds = (now.getTime() - at.getTime()) / 1000;
  if (seconds < 5) return say('ago_now');
  const [unit, size] = unitFor(seconds);
  return relativeFormat(language.locale).format(-Math.floor(seconds / size), unit);
}
