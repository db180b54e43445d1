import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Plan } from '../../compiler/lowerings/plan.ts';
import { connectPlan } from '../../src/client/index.ts';
import type { ConnectOptions, RemotePlan } from '../../src/client/index.ts';
import { storedPlan } from '../../src/frontend/planFile.ts';
import { createPlanServer } from '../../src/server/index.ts';
import type { PlanServer } from '../../src/server/index.ts';

/** One request as the server read it. */
export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly keysId: string | undefined;
  readonly type: string | undefined;
  readonly body: Buffer;
}

/** Answers a request its own way, or not at all: then the honest server answers. */
export type Fault = (seen: Seen, reply: ServerResponse, number: number) => boolean;

/** What a test has of a server. */
export interface Serving {
  readonly url: string;
  readonly digest: string;
  readonly server: PlanServer;
  readonly seen: readonly Seen[];
}

/** A server as the contract has it, small: what the client is tested against. `fault` may answer first. */
export async function serving(
  plan: Plan,
  fault: Fault,
  use: (serving: Serving) => Promise<void>,
): Promise<void> {
  const stored = storedPlan(plan, 'NCHW');
  const server = await createPlanServer(stored);
  const seen: Seen[] = [];
  const keys = new Map<string, Buffer>();
  const base = `/base/v1/plans/${stored.digest}`;
  const answer = (request: Seen, reply: ServerResponse): void => {
    if (request.path === base) reply.end(server.clientPlanText);
    else if (request.path === `${base}/evaluation-keys`) {
      const id = `keys-${seen.length}`;
      keys.set(id, request.body);
      reply.writeHead(201).end(JSON.stringify({ id }));
    } else {
      const held = request.keysId === undefined ? undefined : keys.get(request.keysId);
      reply.end(server.evaluate(request.body, held));
    }
  };
  const http = createServer((request: IncomingMessage, reply) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const id = request.headers['cipherconv-evaluation-keys'];
      seen.push({
        method: request.method ?? '',
        path: request.url ?? '',
        keysId: typeof id === 'string' ? id : undefined,
        type: request.headers['content-type'],
        body: Buffer.concat(chunks),
      });
      if (!fault(seen.at(-1)!, reply, seen.length)) answer(seen.at(-1)!, reply);
    });
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const { port } = http.address() as AddressInfo;
  try {
    await use({ url: `http://127.0.0.1:${port}/base`, digest: stored.digest, server, seen });
  } finally {
    http.closeAllConnections();
    await new Promise((resolve) => http.close(resolve));
    server.dispose();
  }
}

/** Runs `use` with a client of the server, and disposes of it. */
export async function connected(
  { url, digest }: Serving,
  use: (remote: RemotePlan) => Promise<void>,
  options: ConnectOptions = {},
): Promise<void> {
  const remote = await connectPlan(url, digest, options);
  try {
    await use(remote);
  } finally {
    remote.dispose();
  }
}
