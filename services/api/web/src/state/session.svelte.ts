// Signing in, the first load, and the live stream: the page's composition of network and state.
import type { Alert, Beat, Hello, Mode } from '../contract';
import { Problem, request, requestAll, send } from '../net/http';
import type { Signal } from '../net/stream';
import { shareStream, type Feed } from '../net/tabs';
import { Announcer } from './announcer.svelte';
import { Connection } from './connection.svelte';
import { filters } from './filters.svelte';
import { isSilenced } from './item.svelte';
import { LastLook } from './looks.svelte';
import { people } from './people.svelte';
import { places } from './places.svelte';
import { silences } from './silences.svelte';
import { AlertStore, type Changes } from './store.svelte';

export type Stage = 'loading' | 'locked' | 'failed' | 'ready';

class Session {
  stage = $state<Stage>('loading');
  problem = $state.raw<Problem | null>(null);
  endedFailed = $state(false);
  readonly store = new AlertStore();
  readonly connection = new Connection();
  readonly announcer = new Announcer();
  readonly look = new LastLook();
  /** Told of every change that came live. */
  readonly listeners = new Set<(changes: Changes) => void>();
  #ms = $derived(rounded(this.connection.now(this.store.newest).getTime(), this.connection.mode));
  /** The data's clock for everything that shows an age; in steps, so that a quiet page draws nothing each second. */
  now = $derived(new Date(this.#ms));
  #feed: Feed | null = null;
  #lastId: string | null = null;
  #queue: Alert[] = [];
  #flushing = false;
  #silent: string | null = null;
  /** Whether the list was read after the stream had begun: what changed between the two would be missed otherwise. */
  #listIsCurrent = false;
  /** Newest time in the first list (ms): what came after it is new, even before the data's clock was known. */
  #firstListed: number | null = null;

  constructor() {
    this.store.rules = {
      isHidden: (alert) => !filters.silenced && isSilenced(alert, this.now),
      matches: (alert) => filters.matches(alert),
      groupOf: (need) => places.groupOf(need),
      now: () => this.now,
    };
  }

  async start(): Promise<void> {
    const key = takeKeyFromAddress();
    try {
      if (key) await this.#post(key);
    } catch (error) {
      this.problem = asProblem(error); // shown above the form, if the cookie of an earlier sign-in does not do
    }
    await this.load();
  }

  /** Throws Problem: 401 wrong key, 0 no answer. */
  async signIn(key: string): Promise<void> {
    await this.#post(key);
    this.problem = null;
    await this.load();
    this.#feed?.retryNow();
  }

  /** All open alerts, then the live stream, then what the page can do without. */
  async load(): Promise<void> {
    void people.load().catch(asProblem);
    try {
      const open = await requestAll<Alert>('v1/alerts?limit=500');
      this.#took(this.store.take(open, false), open);
      this.#firstListed ??= this.store.newest;
      await this.#forgetUnlisted(open);
      this.problem = null;
      this.stage = 'ready';
    } catch (error) {
      this.#failed(asProblem(error));
    }
    if (this.stage === 'locked') return;
    this.#feed ??= shareStream({ url: 'v1/alerts/stream', lastId: () => this.#lastId, send: (s) => this.#receive(s) });
    if (this.stage !== 'ready') return;
    await Promise.all([this.#loadEnded(), places.load(), silences.load()]);
  }

  async signOut(): Promise<void> {
    await send('DELETE', 'v1/login').catch(asProblem);
    location.reload();
  }

  /** A list changed on the server; `what` names it. Views that show one of these read it again. */
  changed = $state.raw<Record<string, number>>({});

  /** To the millisecond: for what is remembered. */
  exactNow(): Date {
    return this.connection.now(this.store.newest);
  }

  retryNow(): void {
    this.#feed?.retryNow();
    if (this.stage === 'failed') void this.load();
  }

  async #post(key: string): Promise<void> {
    const headers = { 'Content-Type': 'application/json' };
    await request('v1/login', { method: 'POST', headers, body: JSON.stringify({ key }) });
  }

  #failed(problem: Problem): void {
    const locked = problem.status === 401 || problem.status === 403;
    if (!locked || problem.status === 403) this.problem = problem;
    if (locked) this.stage = 'locked';
    else if (this.stage !== 'ready') this.stage = 'failed';
  }

  async #loadEnded(): Promise<void> {
    try {
      const page = await request<{ items: Alert[] }>('v1/alerts?status=ended&limit=100');
      this.store.take(page.items, false);
      this.endedFailed = false;
    } catch (error) {
      asProblem(error);
      this.endedFailed = true;
    }
  }

  /** After a gap: an alert that the list no longer has ended meanwhile, or may no longer be read. */
  async #forgetUnlisted(open: Alert[]): Promise<void> {
    const listed = new Set(open.map((alert) => alert.id));
    const missing = this.store.open.map((item) => item.id).filter((id) => !listed.has(id));
    for (const id of missing) {
      try {
        this.store.take([await request<Alert>(`v1/alerts/${encodeURIComponent(id)}`)], false);
      } catch (error) {
        if (asProblem(error).status === 404) this.store.remove([id]);
      }
    }
  }

  #receive(signal: Signal): void {
    this.connection.take(signal);
    if (signal.type === 'down' && signal.status === 401) this.stage = 'locked';
    if (signal.type !== 'event') return;
    if (signal.id) this.#lastId = signal.id;
    const data: unknown = JSON.parse(signal.data);
    if (signal.name === 'hello') this.#hello(data as Hello);
    else if (signal.name === 'beat') this.#beat(data as Beat);
    else if (signal.name === 'alert') this.#enqueue(data as Alert);
    else if (signal.name === 'changed') this.#changed((data as { what: string[] }).what);
  }

  #hello(hello: Hello): void {
    this.connection.hello(hello);
    if (hello.gap || this.#lastId === null) this.#listIsCurrent = false;
  }

  #beat(beat: Beat): void {
    this.connection.takeBeat(beat);
    if (!this.#listIsCurrent || this.stage === 'failed') {
      this.#listIsCurrent = true;
      void this.load();
    }
    if (beat.log_time) this.look.begin(this.connection.mode, this.connection.now(this.#firstListed ?? 0));
    const silent = JSON.stringify(beat.sources_silent);
    if (this.#silent !== null && silent !== this.#silent) places.loadSources().catch(asProblem);
    this.#silent = silent;
  }

  #changed(what: string[]): void {
    const next = { ...this.changed };
    for (const name of what) next[name] = (next[name] ?? 0) + 1;
    this.changed = next;
    if (what.includes('silences')) void silences.load();
    if (what.includes('reference')) places.loadReference().catch(asProblem);
  }

  /** At most one update of the page per frame, however fast the stream; a hidden tab has no frames. */
  #enqueue(alert: Alert): void {
    this.#queue.push(alert);
    if (this.#flushing) return;
    this.#flushing = true;
    if (document.visibilityState === 'visible') requestAnimationFrame(() => this.#flush());
    else setTimeout(() => this.#flush(), 100);
  }

  #flush(): void {
    const alerts = this.#queue;
    this.#queue = [];
    this.#flushing = false;
    const changes = this.#took(this.store.take(alerts, true), alerts);
    this.announcer.take(changes);
    for (const listen of this.listeners) listen(changes);
  }

  #took<C>(changes: C, alerts: Alert[]): C {
    const mode = alerts.at(-1)?.mode;
    if (mode && !this.connection.beat?.mode) this.connection.mode = mode;
    return changes;
  }
}

const STEP_MS = 5000;

/** Log time moves with each beat anyway; a live space's clock never stands still. */
function rounded(ms: number, mode: Mode): number {
  return mode === 'live' ? Math.floor(ms / STEP_MS) * STEP_MS : ms;
}

/** `groundswell up` prints an address with `#key=…`: used once, then gone from the address bar and the history. */
function takeKeyFromAddress(): string | null {
  const key = new URLSearchParams(location.hash.slice(1)).get('key');
  if (key) history.replaceState(null, '', location.pathname + location.search);
  return key;
}

/** Only problems of the network are handled as such; a mistake of ours must stay visible in the console. */
function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  throw error;
}

export const session = new Session();
