// Most serious first, then rarest, then widest, then newest.
import type { Alert, Severity } from '../contract';

export const SEVERITIES: Severity[] = ['extreme', 'severe', 'moderate', 'minor'];

export function compare(a: Alert, b: Alert): number {
  const bySeverity = SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity);
  return bySeverity || octave(b) - octave(a) || Date.parse(b.raised_at) - Date.parse(a.raised_at) || a.id.localeCompare(b.id);
}

/** Rarity in doublings: a small change of an estimate is no reason to move a card. */
function octave(alert: Alert): number {
  return Math.round(Math.log2(Math.max(0.01, alert.recurrence_days_home_area ?? alert.recurrence_days)));
}

export function isSerious({ severity }: Pick<Alert, 'severity'>): boolean {
  return severity === 'extreme' || severity === 'severe';
}

/** Whether a severity is at least another. */
export function atLeast(severity: Severity, least: Severity): boolean {
  return SEVERITIES.indexOf(severity) <= SEVERITIES.indexOf(least);
}
