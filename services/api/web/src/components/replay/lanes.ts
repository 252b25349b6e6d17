// When alerts were open, as lines over the time that the replay spans, and the moments at which something changed.
import type { Alert } from '../../contract';
import { ranked } from '../../format/order';

export interface Lane {
  alert: Alert;
  /** 0 to 1 of the span. */
  from: number;
  to: number;
}

const MOST = 14;

/** The alerts that were open at some time of the span, the worst on top. */
export function lanes(alerts: Alert[], start: number, end: number): Lane[] {
  const share = (ms: number): number => Math.min(1, Math.max(0, (ms - start) / (end - start)));
  return ranked(alerts.filter((alert) => raised(alert) <= end && over(alert, end) >= start))
    .slice(0, MOST)
    .map((alert) => ({ alert, from: share(raised(alert)), to: share(over(alert, end)) }));
}

/** Where "next change" stops: an alert was raised or ended, or somebody acknowledged it. */
export function changes(alerts: Alert[], start: number, end: number): number[] {
  const all = alerts.flatMap((alert) => [alert.raised_at, alert.ended_at, alert.acknowledged?.at]).filter((at) => at != null);
  return [...new Set(all.map((at) => Date.parse(at)))].filter((at) => at >= start && at <= end).sort((a, b) => a - b);
}

const raised = (alert: Alert): number => Date.parse(alert.raised_at);
const over = (alert: Alert, end: number): number => (alert.ended_at ? Date.parse(alert.ended_at) : end);
