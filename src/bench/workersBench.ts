import { setImmediate } from 'node:timers/promises';
import { createEvaluatorPool } from '../../runtime/pool/pool.ts';
import type { EvaluatorPool } from '../../runtime/pool/pool.ts';
import type { WorkerTime } from './benchReport.ts';
import { openHint } from './hintBench.ts';
import { rampInput, timed } from './layerRounds.ts';
import { layerSpec } from './layers.ts';
import type { LayerShape } from './layers.ts';
import { median } from './rawOperations.ts';
import { calmest, countCalm, watched } from './stolenTime.ts';
import type { Watched } from './stolenTime.ts';

/** Turns that count, of every number of workers: the calmest, two threads need two processors all the time. */
const TURNS = 8;
const MOST_TURNS = 24;
/** Evaluations in a turn, and how many of them are not counted: caches and clocks follow the threads. */
const EVALUATIONS = 16;
const UNCOUNTED = 4;

/** One evaluation after the other, each from the event loop, as a server gets its requests and sends its answers on. */
async function takeTurn(pool: EvaluatorPool, upload: readonly Uint8Array[]): Promise<number[]> {
  const samples: number[] = [];
  let own: Uint8Array[] = [];
  for (let index = 0; index < EVALUATIONS; index++) {
    // What an evaluation was given has moved to its workers, or is there for the next.
    own = upload.map((bytes, at) => (own[at]?.length === bytes.length ? own[at] : bytes.slice()));
    await setImmediate();
    const { ms } = await timed(() => pool.evaluate(own));
    if (index >= UNCOUNTED) samples.push(ms);
  }
  return samples;
}

/** Times one layer with its hint on each number of threads, turn about, so that a drift of the machine hits all of them. */
export async function benchWorkers(layer: LayerShape, counts: readonly number[]): Promise<WorkerTime[]> {
  const { plan, client } = await openHint(layerSpec(layer));
  const { upload } = client.begin(rampInput(plan));
  const runs: { pool: EvaluatorPool; turns: Watched<number[]>[] }[] = [];
  for (const workers of counts) {
    const pool = await createEvaluatorPool(plan, { workers, reuseResponse: true });
    // A warm-up: each thread compiles for itself.
    await takeTurn(pool, upload);
    runs.push({ pool, turns: [] });
  }
  const isCalm = (): boolean => runs.every(({ turns }) => countCalm(turns) >= TURNS);
  for (let index = 0; index < MOST_TURNS && !isCalm(); index++) {
    for (const { pool, turns } of runs) turns.push(await watched(() => takeTurn(pool, upload)));
  }
  for (const { pool } of runs) await pool.dispose();
  client.dispose();
  return runs.map(({ pool, turns }) => ({
    id: layer.id,
    workers: pool.workers,
    ms: median(calmest(turns, TURNS).flat()),
    fastest: Math.min(...turns.flatMap(({ value }) => value)),
  }));
}
