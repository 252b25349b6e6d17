// The hours or days behind a chart, ready for uPlot: columns, seconds, null where nothing is known.
import type { Alert, Series } from '../contract';
import { request } from '../net/http';

const AFTER_END_MS = 12 * 3600 * 1000;
const HOUR_MS = 3600 * 1000;

export interface Columns {
  x: number[];
  observed: (number | null)[];
  expected: (number | null)[];
  low: (number | null)[];
  high: (number | null)[];
  /** Whether the last hour is still open. */
  open: boolean;
  /** When feeds sent nothing, in seconds: what they would have told of is missing. */
  silent: { name: string; from: number; to: number }[];
}

export interface Range {
  name: '72h' | '7d' | '14d' | '12w';
  hours: number;
  bucket: 'hour' | 'day';
}

export const RANGES: [Range, ...Range[]] = [
  { name: '72h', hours: 72, bucket: 'hour' },
  { name: '7d', hours: 168, bucket: 'hour' },
  { name: '14d', hours: 336, bucket: 'hour' },
  { name: '12w', hours: 84 * 24, bucket: 'day' },
];

/** Which series, up to when, how far back. */
export interface Asked {
  need: string;
  area: string;
  until: Date;
  range: Range;
  knownAt?: string | null;
}

/** A silent feed has no need: what stopped is all its contacts, which is not a series of its own. */
export function hasSeries(alert: Alert): boolean {
  return alert.need !== null && alert.kind !== 'silence';
}

/** A silent feed and a rule of the plan are facts: whether they are real is asked only when something was checked. */
export function hasChecks(alert: Alert): boolean {
  return alert.checks.length > 0 || !['silence', 'trigger'].includes(alert.kind);
}

/** Up to the data's clock, or up to half a day after the end. */
export function shownUntil(alert: Alert, now: Date): Date {
  return new Date(alert.ended_at ? Math.min(now.getTime(), Date.parse(alert.ended_at) + AFTER_END_MS) : now.getTime());
}

export function queryOf({ need, area, until, range, knownAt }: Asked): URLSearchParams {
  const end = Math.floor(until.getTime() / HOUR_MS + 1) * HOUR_MS;
  const query = new URLSearchParams({
    need,
    area,
    start: new Date(end - range.hours * HOUR_MS).toISOString(),
    end: new Date(end).toISOString(),
    bucket: range.bucket,
  });
  if (knownAt) query.set('known_at', knownAt);
  return query;
}

export async function loadSeries(asked: Asked, signal: AbortSignal): Promise<Columns> {
  return columns(await request<Series>(`v1/series?${queryOf(asked)}`, { signal }));
}

/** The feeds that sent nothing in an hour or day, or part of it. */
export function silentAt({ x, silent }: Columns, index: number): string {
  const at = x[index] ?? 0;
  const step = (x[1] ?? 0) - (x[0] ?? 0);
  return [...new Set(silent.filter(({ from, to }) => from < at + step && to > at).map(({ name }) => name))].join(', ');
}

/** An hour without a point had no call, but before the first point, and where no data came at all, nothing is on record: that is not zero calls. */
export function columns({ points, silences = [] }: Series): Columns {
  const first = points.findIndex((point) => point.expected !== null || point.observed > 0);
  const known = (index: number): boolean => first >= 0 && index >= first && points[index]?.known !== false;
  return {
    x: points.map((point) => Date.parse(point.start) / 1000),
    observed: points.map((point, index) => (known(index) ? point.observed : null)),
    expected: points.map((point) => point.expected),
    low: points.map((point) => point.band_low),
    high: points.map((point) => point.band_high),
    open: points.at(-1)?.open ?? false,
    silent: silences.map(({ source, start, end }) => ({ name: source, from: Date.parse(start) / 1000, to: end ? Date.parse(end) / 1000 : Infinity })),
  };
}
