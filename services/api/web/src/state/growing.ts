// A long list is drawn in pieces, so that the click that asked for it is answered at once and everything is there soon.
const FIRST = 12;
const PAUSE_MS = 16;
const AIM_MS = 25;

/** Calls `show` with a growing number until it reaches `total`, then with Infinity; returns how to stop. */
export function grow(from: number, total: number, show: (count: number) => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let count = from;
  let piece = FIRST; // as large as takes about as long as it may
  let before = 0;
  const next = (): void => {
    const now = performance.now();
    if (before) piece = Math.max(FIRST, Math.min(80, Math.round((piece * AIM_MS) / Math.max(5, now - before - PAUSE_MS))));
    before = now;
    count = Math.min(total, count + piece);
    show(count < total ? count : Infinity);
    if (count < total) timer = setTimeout(next, PAUSE_MS);
  };
  next();
  return () => clearTimeout(timer);
}

/** Calls `show` with a falling number until it reaches `least`, then `done`; returns how to stop. The first piece waits until the click is answered. */
export function shrink(from: number, least: number, show: (count: number) => void, done: () => void): () => void {
  let timer: ReturnType<typeof setTimeout>;
  let count = from;
  const next = (): void => {
    count = Math.max(least, count - 10 * FIRST);
    if (count <= least) return done();
    show(count);
    timer = setTimeout(next, PAUSE_MS);
  };
  timer = setTimeout(next, 4 * PAUSE_MS);
  return () => clearTimeout(timer);
}
