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

/** Turns of every number of workers; the first is a warm-up, because each thread compiles for itself. */
const TURNS = 9;
/** Evaluations in a turn, and how many of them are not counted: caches and clocks follow the threads. */
const EVALUATIONS = 16;
const UNCOUNTED = 4;

/** One evaluation after the other, each from the event loop, as a server gets its requests. */
async function turn(pool: EvaluatorPool, upload: readonly Uint8Array[]): Promise<number[]> {
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

/** Times one layer on each number of threads, turn about, so that a drift of the machine hits all of them. */
export async function benchWorkers(layer: LayerShape, counts: readonly number[]): Promise<WorkerTime[]> {
  const plan = compileSpec(layerSpec(layer));
  const client = await createClient(clientView(plan));
  const upload = client.encrypt(rampInput(plan));
  const runs: { pool: EvaluatorPool; samples: number[] }[] = [];
  for (const workers of counts)
    runs.push({ pool: await createEvaluatorPool(plan, { workers }), samples: [] });
  for (let index = 0; index < TURNS; index++) {
    for (const { pool, samples } of runs) {
      const measured = await turn(pool, upload);
      if (index > 0) samples.push(...measured);
    }
  }
  for (const { pool } of runs) await pool.dispose();
  client.dispose();
  return runs.map(({ pool, samples }) => ({ id: layer.id, workers: pool.workers, ms: median(samples) }));
}
