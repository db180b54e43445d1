/**
 * `npm run bench:farm [-- --jobs 100] [--layer L8] [--redis redis://...]`: what the farm costs beside the evaluation, and what
 * a second worker gives. Starts a redis-server on a free port unless it is given one. Ends with 1 when a response is wrong.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { compileSpec } from '../compiler/lowerings/compile.ts';
import { makeSpecWithDefaults } from '../compiler/convolution/defaults.ts';
import type { Plan } from '../compiler/lowerings/plan.ts';
import { createFarm } from '../src/farm/index.ts';
import type { Farm, FarmInput } from '../src/farm/index.ts';
import { createPlanClient } from '../src/client/index.ts';
import { clientPlanOf } from '../src/frontend/clientPlan.ts';
import { encodePlan, storedPlan } from '../src/frontend/planFile.ts';
import type { StoredPlan } from '../src/frontend/planFile.ts';
import { createPlanServer } from '../src/server/planServer.ts';
import { giveBack } from '../src/server/workers/bufferPool.ts';
import { rampInput } from '../src/bench/layerRounds.ts';
import { LAYERS, layerSpec } from '../src/bench/layers.ts';

const BIN = join(import.meta.dirname, '..', 'src', 'cli', 'bin.ts');
const MIB = 2 ** 20;
/** Bytes of the seed at the end of an upload: any are well-formed, and make it another upload. */
const SEED_BYTES = 64;
/** Of the clock that `/proc` counts CPU in. */
const TICK_MS = 10;

async function startRedis(): Promise<{ readonly child: ChildProcess; readonly url: string }> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  const options = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--daemonize', 'no'];
  const child = spawn('redis-server', options, { stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const chunk of child.stdout) if (String(chunk).includes('Ready to accept')) break;
  return { child, url: `redis://127.0.0.1:${port}` };
}

/** Uploads of the plan, all different, and the responses that they have to get. */
interface Load {
  readonly stored: StoredPlan;
  readonly inputs: readonly FarmInput[];
  readonly right: (name: string) => Uint8Array;
}

async function loadOf(plan: Plan, jobs: number): Promise<Load> {
  const stored = storedPlan(plan, 'NCHW');
  using client = await createPlanClient(clientPlanOf(stored));
  using server = await createPlanServer(stored);
  const upload = client.encrypt(rampInput(plan));
  const inputs = Array.from({ length: jobs }, (_, index) => {
    const message = upload.slice();
    new DataView(message.buffer).setUint32(message.length - SEED_BYTES, index, true);
    return { name: String(index), message };
  });
  // As many as are compared: the first and the last.
  const kept = new Map(
    [0, jobs - 1].map((index) => [String(index), server.evaluate(inputs[index]!.message)]),
  );
  const none = new Uint8Array(0);
  return { stored, inputs, right: (name) => kept.get(name) ?? none };
}

/** Seconds that a batch takes. */
async function runBatch(farm: Farm, { stored, inputs, right }: Load): Promise<number> {
  const began = performance.now();
  for await (const result of farm.submit(stored, inputs, { inFlight: 16 })) {
    if (result.kind === 'failed') throw new Error(`${result.reason}: ${result.text}`);
    const expected = right(result.name);
    if (expected.length > 0 && !Buffer.from(expected).equals(result.response))
      throw new Error(`the response to ${result.name} is wrong`);
    // As `farm submit` does when a result is written.
    giveBack(result.response);
  }
  return (performance.now() - began) / 1000;
}

/** A 1x1 filter whose uploads and responses have about 1 MiB each. */
function mebibytePlan(): Plan {
  const [channels, size] = [64, 64];
  return compileSpec(
    makeSpecWithDefaults({
      name: 'one MiB in and out',
      input: { channels, height: size, width: size, bits: 8, signed: false },
      weights: {
        outChannels: 48,
        kernelHeight: 1,
        kernelWidth: 1,
        bits: 4,
        signed: true,
        values: Array.from({ length: 48 * channels }, (_, index) => ((index * 5) % 16) - 8),
      },
    }),
    { lowering: 'toeplitz', upload: 'seeded' },
  );
}

/** CPU milliseconds of a process, not of those that it has started; null where the system does not tell (no /proc). */
function cpuOf(child: ChildProcess): number | null {
  try {
    const text = readFileSync(`/proc/${child.pid}/stat`, 'latin1');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
  } catch {
    return null;
  }
}

/** CPU milliseconds of this process, the submitter, and of the worker beside it. */
function cpuOfBoth(worker: ChildProcess): { readonly submitter: number; readonly worker: number } {
  const { user, system } = process.cpuUsage();
  return { submitter: (user + system) / 1000, worker: cpuOf(worker) ?? NaN };
}

async function benchOverhead(farm: Farm, url: string, jobs: number): Promise<void> {
  const load = await loadOf(mebibytePlan(), jobs);
  const folder = mkdtempSync(join(tmpdir(), 'cipherconv-bench-'));
  const planFile = join(folder, 'plan.json');
  writeFileSync(planFile, encodePlan(load.stored));
  const worker = await startWorker(planFile, url);
  try {
    // Both compile what they run, and the worker has its first process.
    const first = load.inputs.slice(0, Math.ceil(jobs / 3));
    await runBatch(farm, { ...load, inputs: first, right: () => new Uint8Array(0) });
    const before = cpuOfBoth(worker);
    const seconds = await runBatch(farm, load);
    const after = cpuOfBoth(worker);
    const [submitterMs, workerMs] = [
      (after.submitter - before.submitter) / jobs,
      (after.worker - before.worker) / jobs,
    ];
    const [bytesIn, bytesOut] = [load.inputs[0]!.message.length, load.right('0').length];
    console.log(
      `one job: ${(bytesIn / MIB).toFixed(2)} MiB in, ${(bytesOut / MIB).toFixed(2)} MiB out, ${jobs} jobs`,
    );
    console.log(
      `CPU of the submitter ${submitterMs.toFixed(1)} ms a job, of the worker ${workerMs.toFixed(1)} ms, together ` +
        `${(submitterMs + workerMs).toFixed(1)} ms; what encrypts, evaluates and decrypts is not in it`,
    );
    console.log(`${(jobs / seconds).toFixed(1)} jobs a second`);
  } finally {
    worker.kill('SIGTERM');
    rmSync(folder, { recursive: true, force: true });
  }
}

async function startWorker(planFile: string, url: string): Promise<ChildProcess> {
  const child = spawn(
    process.execPath,
    [BIN, 'farm', 'worker', planFile, '--redis', url, '--concurrency', '1'],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  for await (const chunk of child.stderr) if (String(chunk).includes('working at')) break;
  return child;
}

async function benchWorkers(farm: Farm, url: string, layer: string, jobs: number): Promise<void> {
  const found = LAYERS.find(({ id }) => id === layer);
  if (found === undefined) throw new Error(`there is no layer ${layer}`);
  // Seeded: the end of an upload is a seed, which makes one upload from another.
  const plan = compileSpec(layerSpec(found), { lowering: 'toeplitz', upload: 'seeded' });
  const folder = mkdtempSync(join(tmpdir(), 'cipherconv-bench-'));
  const planFile = join(folder, 'plan.json');
  const children: ChildProcess[] = [];
  try {
    const load = await loadOf(plan, jobs);
    writeFileSync(planFile, encodePlan(load.stored));
    const seconds: number[] = [];
    for (const workers of [1, 2]) {
      children.push(await startWorker(planFile, url));
      const before = process.cpuUsage();
      seconds.push(await runBatch(farm, load));
      const { user, system } = process.cpuUsage(before);
      const own = ((user + system) / 1000 / jobs).toFixed(1);
      console.log(
        `${layer}, ${workers} ${workers === 1 ? 'worker' : 'workers'}: ${(jobs / seconds[workers - 1]!).toFixed(2)} jobs a second; CPU of the submitter ${own} ms a job`,
      );
    }
    console.log(`2 workers / 1 worker: ${(seconds[0]! / seconds[1]!).toFixed(2)}`);
  } finally {
    for (const child of children) child.kill('SIGTERM');
    rmSync(folder, { recursive: true, force: true });
  }
}

const { values } = parseArgs({
  options: { jobs: { type: 'string' }, layer: { type: 'string' }, redis: { type: 'string' } },
});
const jobs = Number(values.jobs ?? 100);
const started = values.redis === undefined ? await startRedis() : null;
const url = values.redis ?? started?.url ?? '';
try {
  console.log(`${cpus()[0]?.model ?? 'unknown processor'}, ${cpus().length} cores, Node ${process.version}`);
  await using farm = await createFarm(url);
  await benchOverhead(farm, url, jobs);
  await benchWorkers(farm, url, values.layer ?? 'L8', Math.ceil(jobs / 2));
} finally {
  started?.child.kill('SIGTERM');
}
