// The silences in force: never forgotten, because the strip says what they hide.
import type { Silence } from '../contract';
import { Problem, requestAll, send } from '../net/http';

class Silences {
  list = $state.raw<Silence[]>([]);

  async load(): Promise<void> {
    try {
      this.list = await requestAll<Silence>('v1/silences?state=active');
    } catch (error) {
      if (!(error instanceof Problem)) throw error; // the alerts carry what hides them; this is only the list of why
    }
  }

  inForce(now: Date): Silence[] {
    return this.list.filter((silence) => Date.parse(silence.until) > now.getTime());
  }

  /** Throws Problem. */
  async end(id: string): Promise<void> {
    await send('DELETE', `v1/silences/${encodeURIComponent(id)}`);
    await this.load();
  }
}

export const silences = new Silences();
