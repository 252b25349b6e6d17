// One answer of the server on a screen: what it is, from when, and what went wrong when it was last asked for.
import { Problem, request } from '../net/http';
import { session } from './session.svelte';

export class Loaded<Value> {
  value = $state.raw<Value | null>(null);
  problem = $state.raw<Problem | null>(null);
  asOf = $state.raw<Date | null>(null);
  #abort: AbortController | null = null;

  /** Ask (again); the last question wins. What was known stays until there is an answer. */
  async load(path: string): Promise<void> {
    this.#abort?.abort();
    this.#abort = new AbortController();
    try {
      this.value = await request<Value>(path, { signal: this.#abort.signal });
      this.asOf = session.connection.beat ? session.now : null; // before the first beat the data's clock is not known
      this.problem = null;
    } catch (error) {
      if (error instanceof Problem) this.problem = error;
      else if (!(error instanceof DOMException)) throw error;
    }
  }

  stop(): void {
    this.#abort?.abort();
  }
}
