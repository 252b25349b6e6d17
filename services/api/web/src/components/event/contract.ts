// What /v1/declared-events answers.
import type { Words } from '../../contract';

export const HAZARDS = ['heat', 'cold', 'flood', 'storm', 'hurricane', 'tornado', 'winter_storm', 'wildfire', 'smoke', 'earthquake', 'power_outage', 'water_outage', 'disease', 'chemical', 'civil', 'benefit_change', 'other'] as const; // prettier-ignore
export type Hazard = (typeof HAZARDS)[number];

export interface Period {
  name: string;
  start: string;
  end: string;
}

export interface EventBody {
  name: string;
  hazard: Hazard;
  areas: string[];
  needs: string[];
  start: string;
  end?: string;
  periods: Period[];
}

export interface Declared extends Omit<EventBody, 'end'> {
  id: string;
  version: number;
  end: string | null;
  by: string;
  declared_at: string;
  state: 'planned' | 'running' | 'over' | 'withdrawn';
  alerts: string[];
}

interface Counted {
  observed: number;
  expected: number;
  ratio: number | null;
}

export interface Board {
  event: Declared;
  period: Period;
  previous: Period | null;
  rows: (Counted & { need: string; need_name: Words | null; previous_observed: number | null; previous_expected: number | null; unmet_share: number | null; wait_seconds: number | null })[];
  lifelines: (Counted & { lifeline: string })[];
  areas: (Counted & { area: string; area_name: string })[];
}
