// The hours behind a chart, ready for uPlot: columns, seconds, null where nothing is known.
import type { Alert, SeriesPoint } from '../contract';
import { request } from '../net/http';

const BEFORE_MS = 72 * 3600 * 1000;
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
}

/** A silent feed has no need: what stopped is all its contacts, which is not a series of its own. */
export function hasSeries(alert: Alert): boolean {
  return alert.need !== null && alert.kind !== 'silence';
}

/** Three days up to the data's clock, or up to half a day after the end. */
export async function loadSeries(alert: Alert, now: Date, signal: AbortSignal): Promise<Columns> {
  const until = alert.ended_at ? Math.min(now.getTime(), Date.parse(alert.ended_at) + AFTER_END_MS) : now.getTime();
  const end = Math.floor(until / HOUR_MS + 1) * HOUR_MS;
  const query = new URLSearchParams({
    need: alert.need ?? '',
    area: alert.area,
    start: new Date(end - BEFORE_MS).toISOString(),
    end: new Date(end).toISOString(),
    bucket: 'hour',
  });
  const { points } = await request<{ points: SeriesPoint[] }>(`v1/series?${query}`, { signal });
  return columns(points);
}

function columns(points: SeriesPoint[]): Columns {
  return {
    x: points.map((point) => Date.parse(point.start) / 1000),
    observed: points.map((point) => point.observed),
    expected: points.map((point) => point.expected),
    low: points.map((point) => point.band_low),
    high: points.map((point) => point.band_high),
    open: points.at(-1)?.open ?? false,
  };
}
