// Most serious first, then rarest, then widest, then strongest, then newest. `services/api/ranking.py` is its twin.
import type { Alert, Severity } from '../contract';

export const SEVERITIES: Severity[] = ['extreme', 'severe', 'moderate', 'minor'];
const NATS_A_STEP = 4;
const DISPERSION = 0.06;
/** So far from a step's middle a value must go before it counts as another step: nothing hops to and fro. */
const STAYS = 0.8;

/** What decides an alert's place, lower first. All but severity and time in whole steps: a small change moves no card. */
export type Rank = [severity: number, rarity: number, reach: number, strength: number, deviations: number, raised: number];

/** The rank, or, while the severity is the same, `before` as far as it is still about right. */
export function rankOf(alert: Alert, before?: Rank): Rank {
  const severity = SEVERITIES.indexOf(alert.severity);
  const kept = before?.[0] === severity ? before : undefined;
  const step = (exact: number, then: number | undefined): number =>
    then !== undefined && Math.abs(exact + then) < STAYS ? then : -Math.floor(exact + 0.5);
  return [
    severity,
    step(Math.log2(Math.max(0.01, alert.recurrence_days_home_area ?? alert.recurrence_days)), kept?.[1]),
    step(Math.log2(Math.max(1, areas(alert))), kept?.[2]),
    step((alert.score ?? 0) / NATS_A_STEP, kept?.[3]),
    step(2 * Math.log2(Math.max(0.1, deviations(alert))), kept?.[4]),
    -Date.parse(alert.raised_at),
  ];
}

interface Placed {
  id: string;
  rank: Rank;
}

export function compare(a: Placed, b: Placed): number {
  for (let index = 0; index < a.rank.length; index += 1) {
    const difference = (a.rank[index] ?? 0) - (b.rank[index] ?? 0);
    if (difference) return difference;
  }
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}

export function ranked(alerts: Alert[]): Alert[] {
  const placed = alerts.map((alert) => ({ id: alert.id, rank: rankOf(alert), alert }));
  return placed.sort(compare).map(({ alert }) => alert);
}

/** Areas that are away from their usual in the same direction as the whole. */
function areas({ drivers, observed, expected }: Alert): number {
  const rises = observed >= expected;
  return new Set(drivers.filter((part) => part.observed > part.expected === rises).map((part) => part.area)).size;
}

/** Calls away from usual, in standard deviations. */
function deviations({ observed, expected }: Alert): number {
  return Math.abs(observed - expected) / Math.sqrt(expected + 1 + DISPERSION * expected ** 2);
}

export function isSerious({ severity }: Pick<Alert, 'severity'>): boolean {
  return severity === 'extreme' || severity === 'severe';
}

/** Whether a severity is at least another. */
export function atLeast(severity: Severity, least: Severity): boolean {
  return SEVERITIES.indexOf(severity) <= SEVERITIES.indexOf(least);
}
