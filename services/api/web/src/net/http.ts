// One way to ask the API: same origin, cookie sent by the browser, problem+json turned into one error type.
export class Problem extends Error {
  constructor(
    readonly status: number,
    message: string,
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
  if (!response.ok) throw new Problem(response.status, await describe(response));
  return (response.status === 204 ? undefined : await response.json()) as Answer;
}

async function describe(response: Response): Promise<string> {
  try {
    const problem = (await response.json()) as { title?: string; detail?: unknown };
    return typeof problem.detail === 'string' ? problem.detail : (problem.title ?? response.statusText);
  } catch {
    return response.statusText;
  }
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
