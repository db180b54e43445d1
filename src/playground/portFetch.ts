import type { Fetch } from '../client/index.ts';
import { SERVER } from './wire.ts';
import type { WireAnswer, WireRequest } from './wire.ts';

/** `fetch` over a message port: the same requests, and no network. */
export function portFetch(port: MessagePort): Fetch {
  const waiting = new Map<number, (answer: WireAnswer) => void>();
  let nextId = 0;
  port.addEventListener('message', ({ data }: MessageEvent<WireAnswer>) => {
    waiting.get(data.id)?.(data);
    waiting.delete(data.id);
  });
  port.start();
  return (url, init) => {
    const { pathname, origin } = new URL(url);
    if (`${origin}/` !== SERVER) return Promise.reject(new TypeError(`${url} is not the server`));
    const id = nextId++;
    const { signal } = init;
    const request: WireRequest = {
      id,
      method: init.method ?? 'GET',
      path: pathname,
      headers: Object.fromEntries(new Headers(init.headers)),
      // The client's messages are bytes.
      body: (init.body ?? null) as Uint8Array<ArrayBuffer> | null,
    };
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        waiting.delete(id);
        reject(new DOMException('The operation was aborted', 'AbortError'));
      };
      if (signal?.aborted === true) {
        stop();
        return;
      }
      signal?.addEventListener('abort', stop, { once: true });
      waiting.set(id, ({ status, headers, body }) => {
        signal?.removeEventListener('abort', stop);
        resolve(new Response(body, { status, headers }));
      });
      port.postMessage(request);
    });
  };
}
