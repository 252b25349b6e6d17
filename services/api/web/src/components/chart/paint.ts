// What uPlot does not draw by itself: the excess above the usual range, the onset, and labels at the ends of the lines.
import type uPlot from 'uplot';
import type { Columns } from '../../state/series';

export interface Ink {
  observed: string;
  expected: string;
  band: string;
  severe: string;
  muted: string;
  hair: string;
  card: string;
  font: string;
}

const HIGH = 1;
const CLOSED = 4;
const OPEN = 5;

/** Fill between the line of calls and the upper edge of the usual range, exactly where the line is above it. */
export function excess(plot: uPlot, ink: Ink): void {
  const xs = Array.from(plot.data[0] as number[]);
  const observed = xs.map((_, i) => plot.data[OPEN]?.[i] ?? plot.data[CLOSED]?.[i] ?? null);
  const high = plot.data[HIGH] as (number | null)[] | undefined;
  if (!high || xs.length < 2) return;
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.beginPath();
  area(plot, xs, high, bbox.top);
  ctx.clip();
  ctx.beginPath();
  area(plot, xs, observed, bbox.top + bbox.height);
  ctx.globalAlpha = 0.35;
  ctx.fillStyle = ink.severe;
  ctx.fill();
  ctx.restore();
}

/** The outline between a line and a horizontal edge of the plot, one piece for each run of known values. */
function area(plot: uPlot, xs: ArrayLike<number>, ys: ArrayLike<number | null | undefined>, edge: number): void {
  let started: number | null = null;
  let lastX = 0;
  for (let i = 0; i <= xs.length; i += 1) {
    const y = i < xs.length ? ys[i] : null;
    if (y == null) {
      if (started !== null) plot.ctx.lineTo(lastX, edge);
      started = null;
      continue;
    }
    lastX = plot.valToPos(xs[i] ?? 0, 'x', true);
    if (started === null) {
      started = lastX;
      plot.ctx.moveTo(lastX, edge);
    }
    plot.ctx.lineTo(lastX, plot.valToPos(y, 'y', true));
  }
}

/** Hatched where a feed sent nothing: fewer calls there need not be less need. */
export function silent(plot: uPlot, ink: Ink, stretches: Columns['silent']): void {
  const { ctx, bbox } = plot;
  const right = bbox.left + bbox.width;
  const gap = 8 * devicePixelRatio;
  ctx.save();
  ctx.setLineDash([]);
  ctx.strokeStyle = ink.muted;
  ctx.globalAlpha = 0.55;
  ctx.lineWidth = devicePixelRatio;
  ctx.beginPath();
  for (const { from, to } of stretches) ctx.rect(plot.valToPos(from, 'x', true), bbox.top, (Number.isFinite(to) ? plot.valToPos(to, 'x', true) : right) - plot.valToPos(from, 'x', true), bbox.height);
  ctx.clip();
  ctx.beginPath();
  for (let x = bbox.left - bbox.height; stretches.length && x < right; x += gap) {
    ctx.moveTo(x, bbox.top + bbox.height);
    ctx.lineTo(x + bbox.height, bbox.top);
  }
  ctx.stroke();
  ctx.restore();
}

/** A thin line where the rise began, with its word above the plot. */
export function onset(plot: uPlot, ink: Ink, seconds: number, word: string): void {
  const { ctx, bbox } = plot;
  const first = plot.data[0][0];
  if (first === undefined || seconds < first) return;
  const x = Math.round(plot.valToPos(seconds, 'x', true));
  if (x > bbox.left + bbox.width) return;
  ctx.save();
  ctx.strokeStyle = ink.muted;
  ctx.lineWidth = devicePixelRatio;
  ctx.beginPath();
  ctx.moveTo(x, bbox.top - 4 * devicePixelRatio);
  ctx.lineTo(x, bbox.top + bbox.height);
  ctx.stroke();
  ctx.fillStyle = ink.muted;
  ctx.font = scaled(ink.font);
  const width = ctx.measureText(word).width;
  ctx.textAlign = 'left';
  ctx.textBaseline = 'bottom';
  ctx.fillText(word, Math.max(bbox.left, Math.min(x - width / 2, plot.ctx.canvas.width - width)), bbox.top - 5 * devicePixelRatio);
  ctx.restore();
}

/** Something that happened to the alert: a version (a tick below) or what a person did (a dot on the tick). */
export interface Mark {
  seconds: number;
  human: boolean;
}

const LEAST_GAP = 4;

export function marks(plot: uPlot, ink: Ink, all: Mark[]): void {
  const { ctx, bbox } = plot;
  const first = plot.data[0][0] ?? Infinity;
  const bottom = bbox.top + bbox.height;
  let last = -Infinity;
  ctx.save();
  ctx.setLineDash([]); // uPlot leaves that of its last series
  for (const { seconds, human } of all.toSorted((a, b) => a.seconds - b.seconds)) {
    if (seconds < first) continue;
    const x = Math.min(Math.round(plot.valToPos(seconds, 'x', true)), bbox.left + bbox.width - devicePixelRatio);
    if (!human && x - last < LEAST_GAP * devicePixelRatio) continue; // a version a minute would be a bar
    if (!human) last = x;
    ctx.strokeStyle = ctx.fillStyle = human ? ink.observed : ink.muted;
    ctx.lineWidth = 2 * devicePixelRatio;
    ctx.beginPath();
    if (human) ctx.arc(x, bottom - 5 * devicePixelRatio, 3.5 * devicePixelRatio, 0, 2 * Math.PI);
    else {
      ctx.moveTo(x, bottom - 8 * devicePixelRatio);
      ctx.lineTo(x, bottom);
    }
    if (human) ctx.fill();
    else ctx.stroke();
  }
  ctx.restore();
}

/** "calls" and "usual" beside the ends of their lines, pushed apart when they would touch. */
export function labels(plot: uPlot, ink: Ink, { columns, observed, usual }: { columns: Columns; observed: string; usual: string }): void {
  const y = (values: (number | null)[]): number | null => {
    const last = values.findLast((value) => value !== null);
    return last == null ? null : plot.valToPos(last, 'y', true);
  };
  const { ctx, bbox } = plot;
  const gap = 15 * devicePixelRatio;
  let calls = y(columns.open ? columns.observed.slice(0, -1) : columns.observed); // the open hour's count is still growing
  let normal = y(columns.expected);
  if (calls !== null && normal !== null && Math.abs(calls - normal) < gap) {
    const middle = (calls + normal) / 2;
    const above = calls <= normal ? -1 : 1;
    calls = middle + (above * gap) / 2;
    normal = middle - (above * gap) / 2;
  }
  ctx.save();
  ctx.font = scaled(ink.font);
  ctx.textAlign = 'left';
  ctx.textBaseline = 'middle';
  for (const [text, at, colour] of [[observed, calls, ink.observed], [usual, normal, ink.expected]] as const) {
    if (at === null) continue;
    ctx.fillStyle = colour;
    const clamped = Math.min(bbox.top + bbox.height - gap / 3, Math.max(bbox.top, at));
    ctx.fillText(text, bbox.left + bbox.width + 8 * devicePixelRatio, clamped);
  }
  ctx.restore();
}

function scaled(font: string): string {
  return font.replace(/([\d.]+)px/, (_, size: string) => `${Number(size) * devicePixelRatio}px`);
}
