// What the API sends, name for name (schemas/alert.py and the HTTP contract). Nothing here is the page's own.
export type Language = 'en' | 'fr' | 'es';
export type Words = Record<Language, string>;
export type Kind = 'surge' | 'trend' | 'drop' | 'silence' | 'trigger';
export type Status = 'rising' | 'easing' | 'ended';
export type Mode = 'live' | 'replay' | 'exercise';
export type Severity = 'minor' | 'moderate' | 'severe' | 'extreme';
export type Verdict = 'fine' | 'suspect' | 'unknown';

export interface Driver {
  need: string;
  area: string;
  observed: number;
  expected: number;
}

export interface Check {
  name: string;
  verdict: Verdict;
  detail: string;
}

export interface Alert {
  id: string;
  version: number;
  kind: Kind;
  status: Status;
  mode: Mode;
  home_area: string;
  need: string | null;
  need_name: Words | null;
  area: string;
  area_name: string;
  source: string | null;
  started_at: string;
  raised_at: string;
  updated_at: string;
  ended_at: string | null;
  /** null: by itself; `merged`: it became part of a wider alert; else who closed it. */
  ended_by: string | null;
  observed: number;
  expected: number;
  ratio: number | null;
  band_low: number;
  band_high: number;
  recurrence_days: number;
  severity: Severity;
  drivers: Driver[];
  checks: Check[];
  headline: Words;
  explanation: Words;
  human_version?: number;
  acknowledged?: { by: string; at: string } | null;
}

export interface Hello {
  version?: string;
  build?: string;
  now: string;
  gap?: boolean;
}

export interface Beat {
  now: string;
  log_time: string | null;
  lag_seconds: number | null;
  sources_silent: number | string[] | null;
  mode?: Mode;
}

export interface SeriesPoint {
  start: string;
  observed: number;
  expected: number | null;
  band_low: number | null;
  band_high: number | null;
  open?: boolean;
}

export interface Source {
  source: string;
  state: 'live' | 'silent' | 'warming';
}

export interface Page<Item> {
  items: Item[];
  next?: string | null;
}
