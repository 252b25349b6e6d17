// Names, zones and shapes of areas, names of needs, and the sources. Fetched once; the page works without them.
import type { Source, Words } from '../contract';
import { Problem, request, requestAll } from '../net/http';
import { inLanguage, say } from '../words/index.svelte';

export interface Geometry {
  type: string;
  coordinates: unknown;
}

export interface Area {
  code: string;
  parent: string | null;
  name: string;
  timezone: string | null;
  home_area?: string;
  population?: number | null;
  geometry: Geometry | null;
}

export interface Need {
  code: string;
  parent?: string | null;
  name: Words;
  line?: string;
  lifeline?: string | null;
}

interface Node {
  code: string;
  parent?: string | null;
}

const SOURCES_MS = 60_000;
const BROWSER_ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;

class Places {
  sources = $state.raw<Source[] | null>(null);
  areas = $state.raw(new Map<string, Area>());
  needs = $state.raw(new Map<string, Need>());
  /** Null until the areas were asked for; then whether the answer came. */
  areasFailed = $state<boolean | null>(null);
  #loading = false;

  homeAreas = $derived([...this.areas.values()].filter((area) => !area.parent));
  /** Zone of the strip's clock: the first area without a parent, else the browser's. */
  homeZone = $derived(this.homeAreas[0]?.timezone ?? BROWSER_ZONE);

  /** Everything once; the sources' states again every minute. */
  async load(): Promise<void> {
    if (this.#loading) return;
    this.#loading = true;
    setInterval(() => void this.loadSources().catch(keepWhatIsKnown), SOURCES_MS);
    await Promise.allSettled([this.loadReference(), this.loadSources()]);
  }

  async loadSources(): Promise<void> {
    this.sources = await requestAll<Source>('v1/sources');
  }

  async loadReference(): Promise<void> {
    await Promise.allSettled([this.#loadAreas(), this.#loadNeeds()]);
  }

  async #loadAreas(): Promise<void> {
    try {
      const found = await request<{ features: { properties: Omit<Area, 'geometry'>; geometry: Geometry | null }[] }>('v1/areas');
      this.areas = new Map(found.features.map(({ properties, geometry }) => [properties.code, { ...properties, geometry }]));
      this.areasFailed = false;
    } catch (error) {
      this.areasFailed = true;
      throw error;
    }
  }

  async #loadNeeds(): Promise<void> {
    const found = await requestAll<Need>('v1/needs');
    this.needs = new Map(found.map((need) => [need.code, need]));
  }

  /** The area's own zone, else its nearest ancestor's, else the strip's. */
  zoneOf(code: string): string {
    return above(this.areas, code).find((area) => area.timezone)?.timezone ?? this.homeZone;
  }

  areaName(code: string): string {
    return this.areas.get(code)?.name ?? code;
  }

  needName(code: string): string {
    if (code === 'contacts') return say('need_contacts');
    return inLanguage(this.needs.get(code)?.name) || code;
  }

  isNeedBelow(code: string | null, ancestor: string): boolean {
    return code !== null && (code === ancestor || above(this.needs, code).some((need) => need.code === ancestor));
  }

  isAreaBelow(code: string, ancestor: string): boolean {
    return code === ancestor || above(this.areas, code).some((area) => area.code === ancestor);
  }

  /** The need at level 2 above a need: what ties alerts of several home areas into one incident. */
  groupOf(need: string | null): string | null {
    const path = above(this.needs, need ?? '');
    return path.at(-2)?.code ?? path[0]?.code ?? null;
  }
}

/** The node of a code and all above it, itself first. */
export function above<N extends Node>(nodes: ReadonlyMap<string, N>, code: string): N[] {
  const path: N[] = [];
  for (let node = nodes.get(code); node && !path.includes(node); node = nodes.get(node.parent ?? '')) path.push(node);
  return path;
}

/** These nodes and all above them, parents first, each with its depth: what a choice in a tree offers. */
export function treeOf<N extends Node>(nodes: ReadonlyMap<string, N>, codes: Iterable<string>): { node: N; depth: number }[] {
  const wanted = new Set<N>();
  for (const code of codes) for (const node of above(nodes, code)) wanted.add(node);
  const children = new Map<string, N[]>();
  for (const node of nodes.values()) {
    if (!wanted.has(node)) continue;
    const parent = node.parent && nodes.has(node.parent) ? node.parent : '';
    const siblings = children.get(parent);
    if (siblings) siblings.push(node);
    else children.set(parent, [node]);
  }
  const walk = (parent: string, depth: number): { node: N; depth: number }[] =>
    (children.get(parent) ?? []).flatMap((node) => [{ node, depth }, ...walk(node.code, depth + 1)]);
  return walk('', 0);
}

/** The strip has the number of silent sources from the beat; this one only adds how many there are. */
function keepWhatIsKnown(error: unknown): void {
  if (!(error instanceof Problem)) throw error;
}

export const places = new Places();
