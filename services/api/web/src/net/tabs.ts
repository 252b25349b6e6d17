// HTTP/1.1 gives a browser six connections to one origin, so a seventh tab with a stream of its own would hang.
// One tab (the holder of a lock) reads the stream and hands every signal to the others; when it closes, the next takes over.
import { readStream, type Signal, type StreamOptions } from './stream';

export interface Feed {
  retryNow: () => void;
  stop: () => void;
}

type Message = { to: 'followers'; signal: Signal } | { to: 'leader'; ask: 'state' | 'retry' };

/** Like readStream, shared between the tabs of this browser where it has locks (https or localhost). */
export function shareStream(options: StreamOptions, space = 'gs-stream'): Feed {
  if (!('locks' in navigator) || !('BroadcastChannel' in window)) return readStream(options);
  const channel = new BroadcastChannel(space);
  const post = (message: Message): void => channel.postMessage(message);
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  const waiting = new AbortController();
  let own: Feed | null = null;
  let last: Signal | null = null;

  function lead(): Promise<void> {
    own = readStream({
      ...options,
      send: (signal) => {
        if (signal.type !== 'event') last = signal;
        options.send(signal);
        post({ to: 'followers', signal });
      },
    });
    return released;
  }

  channel.onmessage = ({ data }: MessageEvent<Message>) => {
    if (data.to === 'followers' && !own) options.send(data.signal);
    if (data.to === 'leader' && own) {
      if (data.ask === 'retry') own.retryNow();
      else if (last) post({ to: 'followers', signal: last });
    }
  };
  navigator.locks.request(space, { signal: waiting.signal }, lead).catch(() => undefined); // stopped while still waiting
  post({ to: 'leader', ask: 'state' });

  return {
    retryNow: () => (own ? own.retryNow() : post({ to: 'leader', ask: 'retry' })),
    stop: () => {
      waiting.abort();
      own?.stop();
      release();
      channel.close();
    },
  };
}
