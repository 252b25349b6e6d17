// Reads the live stream with fetch instead of EventSource, which gives up for good on the first 401, 429 or 503 and
// hides comments. Comes back by itself: growing pauses with jitter, and a watchdog for connections that died in silence.
import { EventParser } from './sse';

export type Signal =
  | { type: 'open' }
  | { type: 'event'; name: string; data: string; id: string | null }
  | { type: 'down'; status: number; retryAt: number };

export interface StreamOptions {
  url: string;
  lastId: () => string | null;
  send: (signal: Signal) => void;
}

const SILENCE_MS = 15_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;
const CLOCK_JUMP_MS = 90_000; // above one minute: browsers run the timers of hidden tabs that rarely

/** Start reading; returns the ways to hurry a reconnect and to stop. */
export function readStream({ url, lastId, send }: StreamOptions): { retryNow: () => void; stop: () => void } {
  let stopped = false;
  let failures = 0;
  let serverPause: number | null = null;
  let connection: AbortController | null = null;
  let watchdog = 0;
  let wake: (() => void) | null = null;

  function feedWatchdog(): void {
    clearTimeout(watchdog);
    watchdog = setTimeout(() => connection?.abort(), SILENCE_MS);
  }

  async function readOnce(): Promise<number> {
    connection = new AbortController();
    feedWatchdog();
    try {
      const id = lastId();
      const response = await fetch(url, {
        headers: { Accept: 'text/event-stream', ...(id ? { 'Last-Event-ID': id } : {}) },
        credentials: 'same-origin',
        cache: 'no-store',
        signal: connection.signal,
      });
      if (!response.ok || !response.body) return response.status;
      send({ type: 'open' });
      await readBody(response.body.pipeThrough(new TextDecoderStream()).getReader());
      return 0;
    } catch {
      return 0; // refused, cut off or silent too long: the caller waits and tries again
    } finally {
      clearTimeout(watchdog);
    }
  }

  async function readBody(reader: ReadableStreamDefaultReader<string>): Promise<void> {
    const parser = new EventParser();
    for (;;) {
      const { value, done } = await reader.read();
      if (done || stopped) return;
      feedWatchdog();
      failures = 0;
      for (const event of parser.push(value)) send({ type: 'event', name: event.type, data: event.data, id: event.id });
      serverPause = parser.retryMs;
    }
  }

  async function run(): Promise<void> {
    while (!stopped) {
      const status = await readOnce();
      if (stopped) return;
      const grown = Math.min(LONGEST_PAUSE_MS, (serverPause ?? FIRST_PAUSE_MS) * 2 ** failures);
      const pause = grown * (0.75 + Math.random() / 2);
      failures += 1;
      send({ type: 'down', status, retryAt: Date.now() + pause });
      await sleep(pause);
    }
  }

  function sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  const retryNow = (): void => wake?.();
  const stopWatching = watchForReturns(retryNow, () => connection?.abort());
  void run();
  return {
    retryNow,
    stop: () => {
      stopped = true;
      stopWatching();
      connection?.abort();
      wake?.();
    },
  };
}

/** The network or the tab came back: try at once. The clock jumped (sleep): the old connection is not to be trusted. */
function watchForReturns(retryNow: () => void, drop: () => void): () => void {
  let last = Date.now();
  const timer = setInterval(() => {
    const now = Date.now();
    if (now - last > CLOCK_JUMP_MS) {
      drop();
      retryNow();
    }
    last = now;
  }, 2_000);
  const visible = (): void => {
    if (document.visibilityState === 'visible') retryNow();
  };
  addEventListener('online', retryNow);
  addEventListener('offline', drop);
  document.addEventListener('visibilitychange', visible);
  document.addEventListener('resume', retryNow);
  return () => {
    clearInterval(timer);
    removeEventListener('online', retryNow);
    removeEventListener('offline', drop);
    document.removeEventListener('visibilitychange', visible);
    document.removeEventListener('resume', retryNow);
  };
}
