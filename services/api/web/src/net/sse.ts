// The text/event-stream format, fed in pieces of any size.
export interface ServerEvent {
  type: string;
  data: string;
  id: string | null;
}

export class EventParser {
  retryMs: number | null = null;
  #rest = '';
  #type = '';
  #data: string[] = [];
  #id: string | null = null;

  /** The events that this piece of text completes. */
  push(text: string): ServerEvent[] {
    const found: ServerEvent[] = [];
    const lines = (this.#rest + text).split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line !== '') this.#field(line);
      else if (this.#data.length) found.push(this.#finish());
      else this.#type = '';
    }
    return found;
  }

  #field(line: string): void {
    if (line.startsWith(':')) return;
    const colon = line.indexOf(':');
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (name === 'data') this.#data.push(value);
    else if (name === 'event') this.#type = value;
    else if (name === 'id') this.#id = value;
    else if (name === 'retry' && /^\d+$/.test(value)) this.retryMs = Number(value);
  }

  #finish(): ServerEvent {
    const event = { type: this.#type || 'message', data: this.#data.join('\n'), id: this.#id };
    this.#type = '';
    this.#data = [];
    return event;
  }
}
