// Where the person is: all of it in the address after `#/`, so that a view can be sent to someone else. `#/` is Now.
export const VIEWS = ['now', 'map', 'alert', 'budget', 'explore', 'sources', 'handover', 'event', 'replay'] as const;
export type View = (typeof VIEWS)[number];
export type Params = Record<string, string | null | undefined>;

/** The address of a view, for links. */
export function href(view: View, id?: string | null, params: Params = {}): string {
  const path = view === 'now' ? '#/' : `#/${view}${id ? `/${encodeURIComponent(id)}` : ''}`;
  const query = new URLSearchParams(Object.entries(params).filter((pair): pair is [string, string] => Boolean(pair[1])));
  return query.size ? `${path}?${query}` : path;
}

interface Place {
  view: View;
  id: string | null;
  params: URLSearchParams;
}

function parse(hash: string): Place {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?', 2);
  const [name = '', id = ''] = path.split('/', 2);
  const view = VIEWS.find((one) => one === name) ?? 'now';
  return { view, id: id ? decode(id) : null, params: new URLSearchParams(query) };
}

/** An address that somebody typed may be no valid escape. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

class Route {
  #place = $state.raw(parse(location.hash));
  view = $derived(this.#place.view);
  id = $derived(this.#place.id);
  params = $derived(this.#place.params);

  constructor() {
    addEventListener('hashchange', () => (this.#place = parse(location.hash)));
  }

  go(view: View, id?: string | null, params: Params = {}): void {
    location.hash = href(view, id, params);
  }

  /** Whether what is shown is not of now: a replay, or an alert as it was known once. */
  past = $derived(this.view === 'replay' || (this.view === 'alert' && this.params.has('known_at')));

  /** Change some of the view's own settings in the address, without a step in the history. */
  set(changes: Params): void {
    const merged: Params = { ...Object.fromEntries(this.params), ...changes };
    history.replaceState(history.state, '', href(this.view, this.id, merged));
    this.#place = parse(location.hash);
  }
}

export const route = new Route();
