// How unusual an area is, said with caution: the ratio of calls to usual, less what chance alone would do.
export type Level = -3 | -2 | -1 | 0 | 1 | 2 | 3;

export interface AreaState {
  observed: number;
  expected: number;
  kappa: number | null;
  state: 'live' | 'stale' | 'silent' | 'warming';
}

const USUAL_DISPERSION = 0.06;
const DOUBT = 1.28;
const STEPS = [Math.log(1.3), Math.log(2), Math.log(3)] as const;

/** The cautious log ratio: 0 where chance explains it. */
export function value({ observed, expected, kappa }: AreaState): number {
  const log = Math.log((observed + 0.5) / (expected + 0.5));
  const spread = Math.sqrt(1 / (expected + 0.5) + (kappa ?? USUAL_DISPERSION));
  return Math.sign(log) * Math.max(0, Math.abs(log) - DOUBT * spread);
}

export function level(of: number): Level {
  const steps = STEPS.filter((step) => Math.abs(of) >= step).length;
  return (Math.sign(of) * steps) as Level;
}
