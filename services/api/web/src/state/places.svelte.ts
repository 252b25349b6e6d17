// Names and zones of areas, names of needs, and how many sources there are. Fetched once; the page works without them.
import type { Source, Words } from '../contract';
import { Problem, request, requestAll } from '../net/http';
import { inLanguage } from '../words/index.svelte';

interface Area {
  code: string;
  parent: string | null;
  name: string;
  timezone: string | null;
}

interface Need {
  code: string;
  name: Words;
}

const SOURCES_MS = 60_000;
const BROWSER_ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;

class Places {
  sources = $state.raw<Source[] | null>(null);
  #loading = false;
  #areas = $state.raw(new Map<string, Area>());
  #needs = $state.raw(new Map<string, Need>());

  /** Zone of the strip's clock: the first area without a parent, else the browser's. */
  homeZone = $derived([...this.#areas.values()].find((area) => !area.parent)?.timezone ?? BROWSER_ZONE);

  /** Everything once; the sources' states again every minute. */
  async load(): Promise<void> {
    if (this.#loading) return;
    this.#loading = true;
    setInterval(() => void this.loadSources().catch(keepWhatIsKnown), SOURCES_MS);
    await Promise.allSettled([this.#loadAreas(), this.#loadNeeds(), this.loadSources()]);
  }

  async loadSources(): Promise<void> {
    this.sources = await requestAll<Source>('v1/sources');
  }

  async #loadAreas(): Promise<void> {
    const found = await request<{ features: { properties: Area }[] }>('v1/areas');
    this.#areas = new Map(found.features.map(({ properties }) => [properties.code, properties]));
  }

  async #loadNeeds(): Promise<void> {
    const found = await requestAll<Need>('v1/needs');
    this.#needs = new Map(found.map((need) => [need.code, need]));
  }

  /** The area's own zone, else its nearest ancestor's, else the strip's. */
  zoneOf(code: string): string {
    const seen = new Set<string>();
    for (let area = this.#areas.get(code); area && !seen.has(area.code); area = this.#areas.get(area.parent ?? '')) {
      if (area.timezone) return area.timezone;
      seen.add(area.code);
    }
    return this.homeZone;
  }

  areaName(code: string): string {
    return this.#areas.get(code)?.name ?? code;
  }

  needName(code: string): string {
    return inLanguage(this.#needs.get(code)?.name) || code;
  }
}

/** The strip has the number of silent sources from the beat; this one only adds how many there are. */
function keepWhatIsKnown(error: unknown): void {
  if (!(error instanceof Problem)) throw error;
}

export const places = new Places();
