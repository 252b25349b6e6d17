// What is on record about an alert: its versions, what people did, and others like it.
import type { Alert, Label, Severity } from '../../contract';
import { Problem, request, requestAll } from '../../net/http';
import type { Mark } from '../chart/paint';

export interface Action {
  id?: number;
  type: string;
  at: string;
  by: string;
  human_version: number;
  body: Record<string, unknown>;
  taken_back?: boolean;
}

export interface Past {
  id: string;
  area_name: string;
  need: string | null;
  raised_at: string;
  severity: Severity;
  observed: number;
  expected: number;
  label: Label | null;
  why: 'same_node' | 'same_need' | 'same_area' | 'same_group';
}

export class AlertRecord {
  versions = $state.raw<Alert[] | null>(null);
  actions = $state.raw<Action[]>([]);
  similar = $state.raw<Past[] | null>(null);
  problem = $state.raw<Problem | null>(null);

  marks: Mark[] = $derived([
    ...(this.versions ?? []).map((version) => ({ seconds: Date.parse(version.updated_at) / 1000, human: false })),
    ...this.actions.map((action) => ({ seconds: Date.parse(action.at) / 1000, human: true })),
  ]);

  /** Read it (again); returns how to stop. */
  load(id: string): () => void {
    const abort = new AbortController();
    void this.#read(`v1/alerts/${encodeURIComponent(id)}`, abort.signal);
    return () => abort.abort();
  }

  async #read(path: string, signal: AbortSignal): Promise<void> {
    try {
      const { versions, actions } = await request<{ versions: Alert[]; actions: Action[] }>(`${path}/history`, { signal });
      this.versions = versions;
      this.actions = actions;
      this.problem = null;
      this.similar ??= await requestAll<Past>(`${path}/similar`);
    } catch (error) {
      if (error instanceof Problem) this.problem = error;
      else if (!(error instanceof DOMException)) throw error;
    }
  }
}
