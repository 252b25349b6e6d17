// What /v1/budget and /v1/quality answer.
import type { Words } from '../../contract';

export interface HeldBack {
  need: string | null;
  need_name: Words | null;
  area: string;
  area_name: string;
  noticed_at: string;
  ended_at: string | null;
  observed: number;
  expected: number;
  ratio: number | null;
  budget_needed: number;
}

export interface Preview {
  per_week: number;
  raised_week: number | null;
  also: HeldBack[] | null;
  without: string[];
  complete: boolean;
}

export interface Budget {
  home_area: string;
  per_week: number;
  asked: { per_week: number; by: string; at: string } | null;
  raised_week: number;
  held_back_week: number;
  open_alerts: number;
  false_alarms_week: number;
  held_back: HeldBack[] | null;
  preview: Preview | null;
}

export interface HomeQuality {
  home_area: string;
  alerts: number;
  labelled: number;
  precision: number | null;
  precision_low: number | null;
  precision_high: number | null;
  lead_minutes_median: number | null;
  acknowledge_minutes_median: number | null;
}
