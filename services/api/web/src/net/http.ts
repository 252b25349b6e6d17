// One way to ask the API: same origin, cookie sent by the browser, problem+json turned into one error type.
export class Problem extends Error {
  constructor(
    readonly status: number,
    message: string,
    /** What the server sent with it, e.g. the newer state of what was to be changed. */
    readonly body: Record<string, unknown> = {},
  ) {
    super(message);
  }
}

/** Status 0 means that no answer came at all. */
export async function request<Answer>(path: string, options: RequestInit = {}): Promise<Answer> {
  let response: Response;
  try {
    response = await fetch(path, { credentials: 'same-origin', ...options });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new Problem(0, 'no answer');
  }
  if (!response.ok) throw await problemOf(response);
  return (response.status === 204 ? undefined : await response.json()) as Answer;
}

async function problemOf(response: Response): Promise<Problem> {
  try {
    const body = (await response.json()) as Record<string, unknown>;
    const text = [body['detail'], body['title'], response.statusText].find((one) => typeof one === 'string' && one);
    return new Problem(response.status, String(text ?? ''), body);
  } catch {
    return new Problem(response.status, response.statusText);
  }
}

/** Send a change as JSON, with the mark that no other site's page can set, and a key that makes a repeat harmless. */
export function send<Answer>(method: 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
  const all: Record<string, string> = { 'X-Requested-With': 'groundswell', 'Idempotency-Key': makeKey(), ...headers };
  if (body === undefined) return request(path, { method, headers: all });
  return request(path, { method, headers: { ...all, 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
}

/** crypto.randomUUID is missing over plain http. */
function makeKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Every item of a list, page after page. */
export async function requestAll<Item>(path: string): Promise<Item[]> {
  const items: Item[] = [];
  let cursor: string | null | undefined;
  do {
    const joint = path.includes('?') ? '&' : '?';
    const page: { items: Item[]; next?: string | null } = await request(
      cursor ? `${path}${joint}cursor=${encodeURIComponent(cursor)}` : path,
    );
    items.push(...page.items);
    cursor = page.next;
  } while (cursor);
  return items;
}
