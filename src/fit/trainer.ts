import { CipherconvError } from '../../compiler/base/errors.ts';
import { loadMatrix } from '../../runtime/training/module.ts';
import { makeMemory } from '../../runtime/wasm.ts';
import { Arena } from './memory.ts';
import { buildNetwork } from './network.ts';
import type { TrainedNetwork } from './network.ts';
import type { Random } from './random.ts';
import { rateAt } from './recipe.ts';
import type { TrainingPlan } from './trainingPlan.ts';

/** One pass over the examples. */
export interface Epoch {
  /** From 1. */
  readonly epoch: number;
  /** Mean cross entropy, in nats. */
  readonly loss: number;
  /** Share of right answers on the augmented pictures, while the weights moved. */
  readonly accuracy: number;
}

/** Trains. Gives way to the event loop between steps. */
export async function train(
  plan: TrainingPlan,
  random: Random,
  watch: { readonly onStep: (done: number, total: number) => void; readonly onEpoch: (epoch: Epoch) => void },
): Promise<TrainedNetwork> {
  const network = await openNetwork(plan);
  network.start(random);
  const count = plan.examples.labels.length;
  const steps = Math.ceil(count / plan.batch);
  for (let epoch = 0; epoch < plan.epochs; epoch++) {
    const order = random.order(count);
    let [loss, right] = [0, 0];
    for (let step = 0; step < steps; step++) {
      const chosen = order.subarray(step * plan.batch, (step + 1) * plan.batch);
      const done = epoch * steps + step;
      const progress = done / (plan.epochs * steps);
      const result = network.step(chosen, random, { progress, rate: rateAt(progress) });
      loss += result.loss;
      right += result.right;
      watch.onStep(done, plan.epochs * steps);
      if (step % 16 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    watch.onEpoch({ epoch: epoch + 1, loss: loss / count, accuracy: right / count });
  }
  return network;
}

/** What is asked of WebAssembly at most. */
const MOST_BYTES = 2 ** 31 - 65_536;

async function openNetwork(plan: TrainingPlan): Promise<TrainedNetwork> {
  const module = await loadMatrix();
  const measuring = new Arena(null);
  buildNetwork(plan, { kernel: module.instantiate(makeMemory(1)), arena: measuring, batch: plan.batch });
  if (measuring.byteLength > MOST_BYTES) {
    throw new CipherconvError({
      code: 'unsupported',
      where: plan.architecture.name,
      message: 'not supported yet: training in that much memory',
      expected: `at most ${MOST_BYTES} bytes`,
      found: `${measuring.byteLength} bytes`,
      hint: 'train on fewer pictures, or with fewer maps or larger strides',
    });
  }
  const memory = makeMemory(measuring.byteLength);
  const kernel = module.instantiate(memory);
  return buildNetwork(plan, { kernel, arena: new Arena(memory.buffer), batch: plan.batch });
}
