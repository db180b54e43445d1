import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Connections } from './connections.ts';

/**
 * The line to whoever asks: what of a request differs between our own HTTP server and one that somebody else runs, which
 * hands over a standard `Request`.
 */
export interface Peer {
  /** Of the client, as far as it is known. */
  readonly address: string;
  readonly head: RequestHead;
  /** Where the body comes from. */
  readonly body: BodySource;
  /** Calls `act` once, when the response is sent or cannot be any more. */
  readonly onClose: (act: () => void) => void;
  /** From now on the request is worked on: the connection is not given up for others until it is closed. */
  readonly hold: () => void;
  /** Ends the line when the response has not been fetched within the time, milliseconds. */
  readonly endSlowReader: (timeoutMs: number) => void;
}

/** The head of a request, as far as it is looked at. */
export interface RequestHead {
  /** By names in lower case; the first value of each. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly method: string;
  /** How many Host headers there were. */
  readonly hosts: number;
}

/** What is told of a body as it comes. */
interface BodyEvents {
  readonly onData: (chunk: Uint8Array) => void;
  readonly onEnd: () => void;
  /** The sender went away. */
  readonly onGone: () => void;
}

/** A body that has not been read. */
export interface BodySource {
  /** Announced length in bytes, as the head says it; undefined where it says none. */
  readonly announced: string | undefined;
  /** Begins to read; the returned function ends it. */
  readonly read: (events: BodyEvents) => () => void;
}

/** A request to our own HTTP server. */
export function nodePeer(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  connections: Connections,
): Peer {
  const onClose = (act: () => void): void => {
    if (outgoing.closed) act();
    else outgoing.once('close', act);
  };
  return {
    address: incoming.socket.remoteAddress ?? 'unknown',
    head: nodeHead(incoming),
    body: {
      announced: incoming.headers['content-length'],
      read: ({ onData, onEnd, onGone }) => {
        incoming.on('data', onData);
        incoming.once('end', onEnd);
        incoming.once('close', onGone);
        incoming.once('error', onGone);
        if (incoming.destroyed) onGone();
        return () => {
          incoming.off('data', onData);
          incoming.off('end', onEnd);
          incoming.off('close', onGone);
          incoming.off('error', onGone);
        };
      },
    },
    onClose,
    hold: () => {
      onClose(connections.hold(incoming.socket));
    },
    endSlowReader: (timeoutMs) => {
      if (outgoing.closed) return;
      const timer = setTimeout(() => outgoing.destroy(), timeoutMs);
      outgoing.once('close', () => {
        clearTimeout(timer);
      });
    },
  };
}

function nodeHead({ headers, rawHeaders, method }: IncomingMessage): RequestHead {
  return {
    headers: Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value[0] : value]),
    ),
    method: method ?? 'GET',
    hosts: rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === 'host').length,
  };
}

/** A standard request, with what ends it: whoever runs the server does not say when a response has been sent. */
export interface RequestPeer extends Peer {
  /** The response is on its way: closes the line when its body has been read or given up, or after its time. */
  readonly send: (response: Response) => Response;
}

/** A request that somebody else's server received. @param address of the client, where that is known */
export function requestPeer(request: Request, address: string): RequestPeer {
  const acts = new Set<() => void>();
  let isClosed = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const close = (): void => {
    isClosed = true;
    clearTimeout(timer);
    for (const act of acts) act();
    acts.clear();
  };
  request.signal.addEventListener('abort', close, { once: true });
  const host = request.headers.get('host') ?? new URL(request.url).host;
  return {
    address,
    head: {
      headers: { ...Object.fromEntries(request.headers), host },
      method: request.method,
      hosts: host.split(',').length,
    },
    body: {
      announced: request.headers.get('content-length') ?? undefined,
      read: (events) => readStream(request, events),
    },
    onClose: (act) => {
      if (isClosed) act();
      else acts.add(act);
    },
    hold: () => undefined,
    endSlowReader: (timeoutMs) => {
      if (!isClosed) timer = setTimeout(close, timeoutMs);
    },
    send: (response) => withEnd(response, close),
  };
}

function readStream(request: Request, { onData, onEnd, onGone }: BodyEvents): () => void {
  const reader = (request.body as ReadableStream<Uint8Array> | null)?.getReader();
  let isEnded = false;
  const read = async (): Promise<void> => {
    try {
      while (!isEnded) {
        const next = await reader?.read();
        // `isEnded` may have become true meanwhile, which the types do not see.
        if ((isEnded as boolean) || next === undefined || next.done) break;
        onData(next.value);
      }
      if (!isEnded) onEnd();
    } catch {
      if (!isEnded) onGone();
    }
  };
  void read();
  return () => {
    isEnded = true;
    reader?.cancel().catch(() => undefined);
  };
}

/** The same response, whose body says when it has been read to its end or given up. */
function withEnd(response: Response, end: () => void): Response {
  const { status, statusText, headers } = response;
  const source = (response.body as ReadableStream<Uint8Array> | null)?.getReader();
  if (source === undefined) {
    end();
    return response;
  }
  const body = new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      const next = await source.read();
      if (!next.done) {
        controller.enqueue(next.value);
        return;
      }
      controller.close();
      end();
    },
    cancel: async (reason) => {
      end();
      await source.cancel(reason);
    },
  });
  return new Response(body, { status, statusText, headers });
}
