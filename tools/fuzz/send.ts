import { request } from 'node:http';
import type { Agent, IncomingHttpHeaders } from 'node:http';

const HANG_MS = 20_000;

export interface Asking {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** One request over a connection that is kept. The path goes out as it is written, whatever is in it. */
export function ask(agent: Agent, { method, url, headers, body }: Asking): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { hostname, port, origin } = new URL(url);
    const options = {
      method,
      agent,
      hostname,
      port,
      path: url.slice(origin.length),
      headers: { ...headers, 'content-length': body.length },
    };
    const outgoing = request(options, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('end', () => {
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: Buffer.concat(chunks) });
      });
      incoming.on('error', reject);
    });
    outgoing.setTimeout(HANG_MS, () => outgoing.destroy(new Error('no answer: the server hangs')));
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
