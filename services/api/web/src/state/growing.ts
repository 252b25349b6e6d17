// A long list is drawn in pieces, so that the click that asked for it is answered at once and everything is there soon.
const PIECE = 40;
const PAUSE_MS = 20;

/** Calls `show` with a growing number until it reaches `total`, then with Infinity; returns how to stop. */
export function grow(from: number, total: number, show: (count: number) => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let count = from;
  const next = (): void => {
    count += PIECE;
    show(count < total ? count : Infinity);
    if (count < total) timer = setTimeout(next, PAUSE_MS);
  };
  next();
  return () => clearTimeout(timer);
}
