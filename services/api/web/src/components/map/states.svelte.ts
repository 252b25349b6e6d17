// The state of every area for one need and one stretch of time, kept fresh while somebody looks.
import { untrack } from 'svelte';
import { Problem, request } from '../../net/http';
import { session } from '../../state/session.svelte';
import { level, value, type AreaState, type Level } from './unusual';

const REFRESH_MS = 10_000;

export interface Known extends AreaState {
  value: number;
  level: Level;
}

export class AreaStates {
  known = $state.raw<Map<string, Known> | null>(null);
  problem = $state.raw<Problem | null>(null);
  /** The data's clock when `known` was asked for. */
  asOf = $state.raw<Date | null>(null);

  #asked: AbortController | null = null;

  /** Ask now and again as the data's clock goes on; returns how to stop. */
  follow(need: string, hours: number): () => void {
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout>;
    const ask = async (): Promise<void> => {
      await this.#ask(need, hours, abort.signal);
      timer = setTimeout(() => void ask(), REFRESH_MS);
    };
    void ask();
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }

  /** As it was known at a moment, once; a later question overtakes an earlier one. */
  async then(need: string, hours: number, at: Date): Promise<void> {
    this.#asked?.abort();
    this.#asked = new AbortController();
    await this.#ask(need, hours, this.#asked.signal, at);
  }

  async #ask(need: string, hours: number, signal: AbortSignal, at?: Date): Promise<void> {
    if (document.visibilityState === 'hidden' && untrack(() => this.known)) return;
    try {
      const query = new URLSearchParams({ need, hours: String(hours), ...(at ? { known_at: at.toISOString() } : {}) });
      const found = await request<Record<string, AreaState>>(`v1/areas/state?${query}`, { signal });
      this.known = new Map(Object.entries(found).map(([code, state]) => [code, judged(state)]));
      this.asOf = session.connection.beat ? session.now : null;
      this.problem = null;
    } catch (error) {
      if (error instanceof Problem) this.problem = error;
      else if (!(error instanceof DOMException)) throw error;
    }
  }
}

function judged(state: AreaState): Known {
  const told = state.state === 'live' || state.state === 'stale' ? value(state) : 0;
  return { ...state, value: told, level: level(told) };
}
