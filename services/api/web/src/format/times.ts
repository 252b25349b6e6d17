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

/** Jul 26 */
export const shortDay = (at: Date, zone: string): string => formatter(zone, { day: 'numeric', month: 'short' }).format(at);

/** Sun */
export const weekday = (at: Date, zone: string): string => formatter(zone, { weekday: 'short' }).format(at);

/** The clock alone while it is the same day as `now` over there, else with the day. */
export function moment(at: Date, now: Date, zone: string): string {
  return day(at, zone) === day(now, zone) ? clockWithZone(at, zone) : dayAndClock(at, zone);
}

const MONTHS = [Date.UTC(2026, 0, 15), Date.UTC(2026, 6, 15)];
const ofZones = new Map<string, [short: RegExp, local: string][]>();

/** A sentence of the detector's, which writes zones as English does: EDT becomes HAE where the page says HAE. */
export function inZone(sentence: string, zone: string): string {
  const key = `${language.locale} ${zone}`;
  let names = ofZones.get(key);
  if (!names) {
    const name = (locale: string, ms: number): string =>
      dateFormat(locale, { timeZone: zone, timeZoneName: 'short' }).formatToParts(ms).find(({ type }) => type === 'timeZoneName')?.value ?? '';
    const pairs = MONTHS.map((ms) => [name('en-US', ms), name(language.locale, ms)] as const);
    names = pairs.filter(([english, local]) => /^[A-Z]{2,5}$/.test(english) && local && english !== local).map(([english, local]) => [new RegExp(`\\b${english}\\b`, 'g'), local]);
    ofZones.set(key, names);
  }
  return names.reduce((text, [english, local]) => text.replace(english, local), sentence);
}

/** 8 min ago, by the data's clock; "just now" within five seconds of it or after it. */
export function ago(at: Date, now: Date): string {
  const seconds = (now.getTime() - at.getTime()) / 1000;
  if (seconds < 5) return say('ago_now');
  const [unit, size] = unitFor(seconds);
  return relativeFormat(language.locale).format(-Math.floor(seconds / size), unit);
}

/** The moment that a field for date and time ("2026-07-26T14:05") means in a zone. */
export function fromField(text: string, zone: string): Date {
  const asUtc = Date.parse(`${text}Z`);
  const offset = (at: number): number => {
    const parts = Object.fromEntries(
      dateFormat('en-US', { timeZone: zone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' })
        .formatToParts(new Date(at))
        .map(({ type, value }) => [type, Number(value)]),
    ) as Record<'year' | 'month' | 'day' | 'hour' | 'minute' | 'second', number>;
    return Date.UTC(parts.year, parts.month - 1, parts.day, parts.hour, parts.minute, parts.second) - at;
  };
  const first = asUtc - offset(asUtc);
  return new Date(asUtc - offset(first));
}

/** What a field for date and time shows for a moment. */
export function toField(at: Date, zone: string): string {
  const parts = Object.fromEntries(
    dateFormat('en-US', { timeZone: zone, hourCycle: 'h23', year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit' })
      .formatToParts(at)
      .map(({ type, value }) => [type, value]),
  );
  return `${parts['year']}-${parts['month']}-${parts['day']}T${parts['hour']}:${parts['minute']}`;
}
