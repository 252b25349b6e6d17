// Costly drawing that nobody's click waits for: one at a time, each after a paint.
const waiting = new Set<() => void>();
let running = false;

/** Calls `work` when its turn comes; returns how to give the turn up. */
export function inTurn(work: () => void): () => void {
  waiting.add(work);
  if (!running) next();
  return () => void waiting.delete(work);
}

/** A hidden tab has no frames: there nobody waits for anything. */
function next(): void {
  running = waiting.size > 0;
  if (!running) return;
  if (document.visibilityState === 'visible') requestAnimationFrame(() => setTimeout(take));
  else setTimeout(take);
}

function take(): void {
  const [work] = waiting;
  if (work) {
    waiting.delete(work);
    work();
  }
  next();
}
