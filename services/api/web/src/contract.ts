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
  /** The same in three languages; older detectors do not say it. */
  words?: Words | null;
}

/** Why an alert was raised, in sentences. */
export interface Because {
  expected_words: Words;
  onset_words: Words;
  ends_words?: Words | null;
  ends?: { calls_below: number; window_hours: number } | null;
  limits_words: Words;
}

export interface Alert extends HumanSide {
  id: string;
  because?: Because | null;
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
  /** Nats. */
  score?: number;
  recurrence_days: number;
  recurrence_days_home_area?: number;
  severity: Severity;
  drivers: Driver[];
  checks: Check[];
  headline: Words;
  explanation: Words;
}

export type Label = 'real_surge' | 'expected_event' | 'data_problem' | 'false_alarm' | 'new_normal';
export const LABELS: Label[] = ['real_surge', 'expected_event', 'data_problem', 'false_alarm', 'new_normal'];

export interface Note {
  id: number;
  by: string;
  at: string;
  text: string;
}

/** What people said about an alert; a new version of the alert changes none of it. */
export interface HumanSide {
  human_version?: number;
  acknowledged?: { by: string; at: string } | null;
  assigned_to?: string | null;
  label?: Label | null;
  labelled?: { by: string; at: string; comment: string | null } | null;
  notes?: Note[];
  /** In the past: no longer hidden. */
  silenced_until?: string | null;
  silenced_by?: string[];
  /** A person has ended it; the detector's `ended` follows. */
  end_requested?: { by: string; at: string; reason: string } | null;
  /** The declared events that it joins. */
  events?: string[];
}

export interface Me {
  name: string;
  role: 'viewer' | 'coordinator' | 'admin';
  home_area: string | null;
  can: string[];
  /** Where an operator's map tiles are; null: none are shown. */
  map_tiles?: { url: string; credit: string } | null;
}

export interface Person {
  name: string;
  role: string;
}

export type Scope = 'alert' | 'need' | 'area' | 'line';

export interface Silence {
  id: string;
  scope: Scope | 'custom';
  alert_id: string | null;
  home_area: string | null;
  need: string | null;
  area: string | null;
  line: string | null;
  until: string;
  reason: string;
  by: string;
  hides_open: number;
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
  /** false: no data at all came then, which is not zero calls. */
  known?: boolean;
}

export interface Series {
  points: SeriesPoint[];
  silences?: { source: string; start: string; end: string | null }[];
}

export interface Source {
  source: string;
  state: 'live' | 'silent' | 'warming';
  home_area?: string;
  last_call?: string | null;
  lag_seconds?: number | null;
  rate_per_hour?: number | null;
  calls?: number;
  duplicates?: number;
  late?: number;
  rejected?: number;
  unknown_codes?: number;
  rejected_week?: number;
  rejected_reasons?: { reason: string; field: string | null; count: number; last_at: string }[];
  /** It posts in batches. */
  batch?: boolean;
}

export interface Page<Item> {
  items: Item[];
  next?: string | null;
}
