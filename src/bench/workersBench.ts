import { setImmediate } from 'node:timers/promises';
import { compileSpec } from '../../compiler/compile.ts';
import { clientView } from '../../compiler/plan.ts';
import { createClient } from '../../runtime/client.ts';
import { createEvaluatorPool } from '../../runtime/pool/pool.ts';
import type { EvaluatorPool } from '../../runtime/pool/pool.ts';
import type { WorkerTime } from './benchReport.ts';
import { rampInput, timed } from './layerBench.ts';
import { layerSpec } from './layers.ts';
import type { LayerShape } from './layers.ts';
import { median } from './rawOperations.ts';
import { readTicks, stolenShare } from './stolenTime.ts';

/** Turns that count, of every number of workers. */
const TURNS = 8;
/**
 * Two threads need two processors for as long as an evaluation takes: where a hypervisor gives one of them away, what is
 * measured is the neighbour. Turns with more than this share stolen are repeated, up to a limit; the calmest count.
 */
const STOLEN_SHARE = 0.02;
const MOST_TURNS = 24;
/** Evaluations in a turn, and how many of them are not counted: caches and clocks follow the threads. */
const EVALUATIONS = 16;
const UNCOUNTED = 4;

interface Turn {
  /** Milliseconds. */
  readonly samples: readonly number[];
  /** Share of the processors' time; 0 where the system does not tell. */
  readonly stolen: number;
}

/** One evaluation after the other, each from the event loop, as a server gets its requests and sends its answers on. */
async function takeTurn(pool: EvaluatorPool, upload: readonly Uint8Array[]): Promise<Turn> {
  const samples: number[] = [];
  let own: Uint8Array[] = [];
  const before = readTicks();
  for (let index = 0; index < EVALUATIONS; index++) {
    // What an evaluation was given has moved to its workers, or is there for the next.
    own = upload.map((bytes, at) => (own[at]?.length === bytes.length ? own[at] : bytes.slice()));
    await setImmediate();
    const { ms } = await timed(() => pool.evaluate(own));
    if (index >= UNCOUNTED) samples.push(ms);
  }
  return { samples, stolen: stolenShare(before, readTicks()) ?? 0 };
}

function calmest(turns: readonly Turn[]): Turn[] {
  return turns.toSorted((left, right) => left.stolen - right.stolen).slice(0, TURNS);
}

/** Times one layer on each number of threads, turn about, so that a drift of the machine hits all of them. */
export async function benchWorkers(layer: LayerShape, counts: readonly number[]): Promise<WorkerTime[]> {
  const plan = compileSpec(layerSpec(layer));
  const client = await createClient(clientView(plan));
  const upload = client.encrypt(rampInput(plan));
  const runs: { pool: EvaluatorPool; turns: Turn[] }[] = [];
  for (const workers of counts) {
    const pool = await createEvaluatorPool(plan, { workers, reuseResponse: true });
    // A warm-up: each thread compiles for itself.
    await takeTurn(pool, upload);
    runs.push({ pool, turns: [] });
  }
  const isCalm = ({ turns }: { turns: Turn[] }): boolean =>
    turns.filter(({ stolen }) => stolen <= STOLEN_SHARE).length >= TURNS;
  for (let index = 0; index < MOST_TURNS && !runs.every(isCalm); index++) {
    for (const { pool, turns } of runs) turns.push(await takeTurn(pool, upload));
  }
  for (const { pool } of runs) await pool.dispose();
  client.dispose();
  return runs.map(({ pool, turns }) => ({
    id: layer.id,
    workers: pool.workers,
    ms: median(calmest(turns).flatMap(({ samples }) => samples)),
  }));
}
