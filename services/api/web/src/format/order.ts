// Most serious first, then rarest, then widest, then strongest, then newest. `services/api/ranking.py` is its twin.
import type { Alert, Severity } from '../contract';

export const SEVERITIES: Severity[] = ['extreme', 'severe', 'moderate', 'minor'];
const NATS_A_STEP = 4;
const DISPERSION = 0.06;
/** So far beyond a step's edge a value must go before it counts as another step: nothing hops to and fro. */
const STAYS = 0.8;

/** What decides an alert's place after its severity, each in whole steps: a small change is no reason to move a card. */
export type Rank = readonly [rarity: number, reach: number, strength: number, deviations: number];

export function rankOf(alert: Alert, before?: Rank): Rank {
  const exact: Rank = [
    Math.log2(Math.max(0.01, alert.recurrence_days_home_area ?? alert.recurrence_days)),
    Math.log2(Math.max(1, areas(alert))),
    (alert.score ?? 0) / NATS_A_STEP,
    2 * Math.log2(Math.max(0.1, deviations(alert))),
  ];
  const step = (index: 0 | 1 | 2 | 3): number => {
    const [now, kept] = [exact[index], before?.[index]];
    return kept !== undefined && Math.abs(now - kept) < STAYS ? kept : Math.floor(now + 0.5);
  };
  return [step(0), step(1), step(2), step(3)];
}

export function compare(a: Alert, b: Alert): number {
  return compareRanked(a, rankOf(a), b, rankOf(b));
}

export function compareRanked(a: Alert, ofA: Rank, b: Alert, ofB: Rank): number {
  const bySeverity = SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity);
  const differing = ofA.findIndex((step, index) => step !== ofB[index]);
  const byRank = differing < 0 ? 0 : (ofB[differing] ?? 0) - (ofA[differing] ?? 0);
  return bySeverity || byRank || Date.parse(b.raised_at) - Date.parse(a.raised_at) || a.id.localeCompare(b.id);
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
