/**
 * `npm run bench:serve [-- --seconds 60] [--clients 4] [--layer L6] [--workers n]`: load on `cipherconv serve`, a process of
 * its own. Every response is compared: with the cleartext the first time, then byte for byte. Ends with 1 when a request
 * fails, a result is wrong, or memory grows.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { compileSpec } from '../compiler/lowerings/compile.ts';
import type { Plan } from '../compiler/lowerings/plan.ts';
import { convolve } from '../runtime/clear/loops.ts';
import { compareTensors } from '../runtime/clear/compare.ts';
import { createPlanClient, parseClientPlan } from '../src/client/index.ts';
import { encodePlan, storedPlan } from '../src/frontend/planFile.ts';
import { describePlan } from '../src/server/planServer.ts';
import { rampInput } from '../src/bench/layerRounds.ts';
import { LAYERS, layerSpec } from '../src/bench/layers.ts';

const BIN = join(import.meta.dirname, '..', 'src', 'cli', 'bin.ts');
const UPLOADS = 8;
/** What memory may differ by between the second and the last quarter of the run and still be called flat. */
const FLAT = 1.1;

interface Measured {
  readonly milliseconds: readonly number[];
  readonly seconds: number;
  /** Resident memory of server and workers together, bytes, a sample a second. */
  readonly residentBytes: readonly number[];
}

/** An upload and the response that it has to get. */
interface Exchange {
  readonly upload: Uint8Array;
  readonly response: Buffer;
}

function startServer(
  planFile: string,
  workers: number | null,
): Promise<{ child: ChildProcess; url: string }> {
  const count = workers === null ? [] : ['--workers', String(workers)];
  const child = spawn(process.execPath, [BIN, 'serve', planFile, '--port', '0', ...count], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  return new Promise((resolve, reject) => {
    let text = '';
    child.stderr.on('data', (chunk: Buffer) => {
      // Logs go on for as long as the load does; only the address is wanted of them.
      if (text.length < 2 ** 16) text += chunk.toString();
      const url = /listening on (\S+)/.exec(text)?.[1];
      if (url !== undefined) resolve({ child, url });
    });
    child.on('exit', (code) => {
      reject(new Error(`the server ended with ${code}: ${text}`));
    });
  });
}

function post(agent: Agent, url: string, body: Uint8Array): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/octet-stream', 'content-length': body.length };
    const outgoing = request(url, { method: 'POST', agent, headers }, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('error', reject);
      incoming.on('end', () => {
        const answer = Buffer.concat(chunks);
        if (incoming.statusCode === 200) resolve(answer);
        else reject(new Error(`status ${incoming.statusCode}: ${answer.toString().slice(0, 300)}`));
      });
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

/** Encrypts inputs, has each evaluated once, and compares with the cleartext. */
async function prepare(plan: Plan, agent: Agent, url: string): Promise<Exchange[]> {
  const stored = storedPlan(plan, 'NCHW');
  const client = await createPlanClient(parseClientPlan(describePlan(stored).clientPlanText, 'plan'));
  try {
    const exchanges: Exchange[] = [];
    for (let seed = 1; seed <= UPLOADS; seed++) {
      const { shape, data } = rampInput(plan);
      const input = { shape, data: data.map((_, index) => data[(index + seed) % data.length]!) };
      const upload = client.encrypt(input);
      const response = await post(agent, url, upload);
      const { match } = compareTensors(convolve(plan.spec, input), client.decrypt(new Uint8Array(response)));
      if (!match) throw new Error('a result differs from the cleartext');
      exchanges.push({ upload, response });
    }
    return exchanges;
  } finally {
    client.dispose();
  }
}

async function metric(base: string, name: string): Promise<number> {
  const text = await (await fetch(`${base}/metrics`)).text();
  return Number(new RegExp(`^cipherconv_${name} (\\S+)$`, 'm').exec(text)?.[1]);
}

async function load(
  exchanges: readonly Exchange[],
  agent: Agent,
  { base, path, clients, seconds }: { base: string; path: string; clients: number; seconds: number },
): Promise<Measured> {
  const milliseconds: number[] = [];
  const residentBytes: number[] = [];
  const began = performance.now();
  const isOver = (): boolean => performance.now() - began > seconds * 1000;
  const client = async (first: number): Promise<void> => {
    for (let index = first; !isOver(); index++) {
      const { upload, response } = exchanges[index % exchanges.length]!;
      const start = performance.now();
      const answer = await post(agent, path, upload);
      milliseconds.push(performance.now() - start);
      if (!answer.equals(response)) throw new Error('the same upload got another response');
    }
  };
  const watch = async (): Promise<void> => {
    while (!isOver()) {
      residentBytes.push(
        (await metric(base, 'server_resident_bytes')) + (await metric(base, 'workers_resident_bytes')),
      );
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  };
  await Promise.all([watch(), ...Array.from({ length: clients }, (_, index) => client(index))]);
  return { milliseconds, seconds: (performance.now() - began) / 1000, residentBytes };
}

function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** @returns whether memory stayed flat */
function report(layer: string, clients: number, { milliseconds, seconds, residentBytes }: Measured): boolean {
  const sorted = milliseconds.toSorted((a, b) => a - b);
  const quarter = Math.ceil(residentBytes.length / 4);
  const early = mean(residentBytes.slice(quarter, 2 * quarter));
  const late = mean(residentBytes.slice(-quarter));
  const isFlat = late <= FLAT * early;
  const ms = (share: number): string => `${percentile(sorted, share).toFixed(1)} ms`;
  const mebibytes = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MiB`;
  console.log(`${layer}, ${clients} clients, ${seconds.toFixed(1)} s: ${sorted.length} requests, no error`);
  console.log(`throughput  ${(sorted.length / seconds).toFixed(1)} requests a second`);
  console.log(`latency     p50 ${ms(0.5)}, p99 ${ms(0.99)}, longest ${ms(1)}`);
  console.log(
    `memory      ${mebibytes(early)} in the second quarter, ${mebibytes(late)} in the last one, ` +
      `at most ${mebibytes(Math.max(...residentBytes))}: ${isFlat ? 'flat' : 'growing'}`,
  );
  return isFlat;
}

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    clients: { type: 'string', default: '4' },
    layer: { type: 'string', default: 'L6' },
    workers: { type: 'string' },
  },
});
const shape = LAYERS.find(({ id }) => id === values.layer);
if (shape === undefined) throw new RangeError(`known layers are ${LAYERS.map(({ id }) => id).join(', ')}`);
const plan = compileSpec(layerSpec(shape));
const clients = Number(values.clients);
const folder = mkdtempSync(join(tmpdir(), 'cipherconv-load-'));
const planFile = join(folder, 'plan.json');
const stored = storedPlan(plan, 'NCHW');
writeFileSync(planFile, encodePlan(stored));
const { child, url } = await startServer(
  planFile,
  values.workers === undefined ? null : Number(values.workers),
);
const agent = new Agent({ keepAlive: true, maxSockets: clients });
try {
  const path = `${url}/v1/plans/${stored.digest}/evaluate`;
  const exchanges = await prepare(plan, agent, path);
  const measured = await load(exchanges, agent, {
    base: url,
    path,
    clients,
    seconds: Number(values.seconds),
  });
  const sealExceptions = await metric(url, 'seal_exceptions_total');
  if (!report(shape.id, clients, measured) || sealExceptions !== 0) process.exitCode = 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
} finally {
  agent.destroy();
  child.removeAllListeners('exit');
  child.kill('SIGTERM');
  rmSync(folder, { recursive: true, force: true });
}
