import { request } from 'node:http';
import type { IncomingMessage, RequestOptions } from 'node:http';
import { join } from 'node:path';
import type { Plan } from '../../compiler/lowerings/plan.ts';
import type { Tensor } from '../../compiler/base/tensor.ts';
import { createPlanClient, parseClientPlan } from '../../src/client/index.ts';
import type { PlanClient } from '../../src/client/index.ts';
import { storedPlan } from '../../src/frontend/planFile.ts';
import type { LogEvent } from '../../src/server/log.ts';
import { startService } from '../../src/server/service.ts';
import type { Service } from '../../src/server/service.ts';
import { defaultSettings } from '../../src/server/settings.ts';
import type { ServiceSettings } from '../../src/server/settings.ts';
import { randomInput } from './specs.ts';

/** A worker that misbehaves when an upload tells it to. */
export const FAULTY_WORKER = join(import.meta.dirname, 'faultyWorker.ts');

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Uint8Array;
  /** The body as JSON, or null. */
  readonly json: Record<string, unknown> | null;
}

/** A listening server of one plan, a client of it, and a good upload. */
export interface Served {
  readonly service: Service;
  readonly digest: string;
  readonly client: PlanClient;
  readonly input: Tensor;
  readonly upload: Uint8Array;
  readonly events: readonly LogEvent[];
  /** Sends one request on a connection of its own. */
  readonly send: (method: string, path: string, options?: SendOptions) => Promise<Answer>;
  /** Posts an upload to be evaluated. */
  readonly post: (message: Uint8Array, options?: SendOptions) => Promise<Answer>;
  /** A counter or gauge as /metrics tells it, 0 when it is not there. */
  readonly metric: (series: string) => Promise<number>;
  readonly close: () => Promise<void>;
}

export interface SendOptions {
  readonly body?: Uint8Array;
  readonly headers?: Readonly<Record<string, string | number>>;
  readonly signal?: AbortSignal;
  /** Who sends: another address of this machine, such as 127.0.0.2. */
  readonly localAddress?: string;
}

export const OCTETS = { 'content-type': 'application/octet-stream' };

/** One request, answered whole. Rejects when the connection breaks before. */
export function sendTo(
  url: string,
  method: string,
  { body, headers = {}, signal, localAddress }: SendOptions = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options: RequestOptions = {
      method,
      headers,
      agent: false,
      ...(localAddress === undefined ? {} : { localAddress }),
      ...(signal === undefined ? {} : { signal }),
    };
    const outgoing = request(url, options, (incoming) => {
      const chunks: Uint8Array[] = [];
      incoming.on('data', (chunk: Uint8Array) => chunks.push(chunk));
      incoming.on('error', reject);
      incoming.on('end', () => {
        const bytes = new Uint8Array(Buffer.concat(chunks));
        const isJson = (incoming.headers['content-type'] ?? '').includes('json') && bytes.length > 0;
        const json = isJson ? (JSON.parse(Buffer.from(bytes).toString()) as Record<string, unknown>) : null;
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: bytes, json });
      });
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

/** Starts a server of `plan` on a free port. One worker and short limits unless said otherwise. */
export async function serve(plan: Plan, settings: Partial<ServiceSettings> = {}): Promise<Served> {
  const stored = storedPlan(plan, 'NCHW');
  const events: LogEvent[] = [];
  const all = { ...defaultSettings(), port: 0, workers: 1, ...settings };
  const service = await startService([stored], all, (_, event) => {
    events.push(event);
  });
  const { digest } = stored;
  const served = service.plans.get(digest);
  const client = await createPlanClient(parseClientPlan(served?.clientPlanText ?? '', 'served'));
  const input = randomInput(plan.spec, 7);
  const send: Served['send'] = (method, path, options) => sendTo(`${service.url}${path}`, method, options);
  return {
    service,
    digest,
    client,
    input,
    upload: client.encrypt(input),
    events,
    send,
    post: (body, options = {}) =>
      send('POST', `/v1/plans/${digest}/evaluate`, {
        ...options,
        body,
        headers: { ...OCTETS, ...options.headers },
      }),
    metric: async (series) => {
      const text = Buffer.from((await send('GET', '/metrics')).body).toString();
      const line = text.split('\n').find((candidate) => candidate.startsWith(`cipherconv_${series} `));
      return line === undefined ? 0 : Number(line.split(' ').at(-1));
    },
    close: async () => {
      client.dispose();
      await service.stop();
    },
  };
}

/** Waits until `holds`; a test that waits in vain runs into its own timeout. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 10));
}
