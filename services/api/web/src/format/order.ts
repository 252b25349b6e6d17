// Most serious first, then newest.
import type { Alert, Severity } from '../contract';

export const SEVERITIES: Severity[] = ['extreme', 'severe', 'moderate', 'minor'];

export function compare(a: Alert, b: Alert): number {
  const bySeverity = SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity);
  return bySeverity || Date.parse(b.raised_at) - Date.parse(a.raised_at) || a.id.localeCompare(b.id);
}

export function isSerious({ severity }: Pick<Alert, 'severity'>): boolean {
  return severity === 'extreme' || severity === 'severe';
}
