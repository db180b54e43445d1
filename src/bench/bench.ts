/**
 * `npm run bench -- [L1 L8 ...]`: runs the benchmark layers encrypted on one thread and prints, per layer, the medians
 * of each step and the ratio of `evaluate` to the floor: the sum of the raw node-seal operations that the plan counts,
 * timed in the same run.
 */
import { compileSpec } from '../../compiler/compile.ts';
import type { OperationCosts } from '../../compiler/operationCosts.ts';
import { clientView } from '../../compiler/plan.ts';
import type { Plan } from '../../compiler/plan.ts';
import type { Tensor } from '../../compiler/tensor.ts';
import { createClient } from '../../runtime/client.ts';
import { convolve } from '../../runtime/clear/loops.ts';
import { compareTensors } from '../../runtime/compare.ts';
import { createEvaluator } from '../../runtime/evaluator.ts';
import { loadSeal } from '../../runtime/seal/module.ts';
import { LAYERS, layerSpec } from './layers.ts';
import type { LayerShape } from './layers.ts';
import { medianCosts, RawOperations } from './rawOperations.ts';
import { median } from './statistics.ts';

const ROUNDS = 5;

interface LayerResult {
  readonly id: string;
  readonly match: boolean;
  readonly plan: Plan;
  readonly compile: number;
  readonly prepare: number;
  readonly encrypt: number;
  readonly evaluate: number;
  readonly floor: number;
  readonly decrypt: number;
}

function timed<T>(action: () => T): { value: T; milliseconds: number } {
  const start = performance.now();
  const value = action();
  return { value, milliseconds: performance.now() - start };
}

/** A fixed input over the whole range, NCHW. */
function rampInput({ spec }: Plan): Tensor {
  const { batch, channels, height, width, range } = spec.input;
  const levels = range.hi - range.lo + 1;
  const data = Float64Array.from(
    { length: batch * channels * height * width },
    (_, index) => range.lo + ((index * 7919) % levels),
  );
  return { shape: [batch, channels, height, width], data };
}

/** Milliseconds of the operations that evaluating the plan executes. */
function floorMilliseconds({ counts }: Plan, costs: OperationCosts): number {
  const { inputCiphertexts, outputCiphertexts, products } = counts;
  return (
    (inputCiphertexts * (costs.load + costs.toNtt) +
      products * costs.multiply +
      (products - outputCiphertexts) * costs.add +
      outputCiphertexts * (costs.fromNtt + costs.save)) /
    1000
  );
}

async function benchLayer(layer: LayerShape): Promise<LayerResult> {
  const { value: plan, milliseconds: compile } = timed(() =>
    compileSpec(layerSpec(layer), { lowering: 'toeplitz' }),
  );
  const raw = new RawOperations(await loadSeal(), plan.parameters, {
    distinctPlaintexts: Math.min(plan.counts.weightPlaintexts, 4096),
    distinctCiphertexts: plan.transfer.usedChunks.length,
  });
  const client = await createClient(clientView(plan));
  const start = performance.now();
  const evaluator = await createEvaluator(plan);
  const prepare = performance.now() - start;
  const input = rampInput(plan);
  const calls = Math.min(plan.counts.products, 1000);
  const samples: { encrypt: number; evaluate: number; decrypt: number; floor: OperationCosts }[] = [];
  let match = true;
  const expected = convolve(plan.spec, input);
  // The first round warms up and is not counted; floor and evaluate alternate so that drift hits both.
  for (let round = 0; round <= ROUNDS; round++) {
    const upload = timed(() => client.encrypt(input));
    const response = timed(() => evaluator.evaluate(upload.value));
    const output = timed(() => client.decrypt(response.value));
    match &&= compareTensors(expected, output.value).match;
    const floor = raw.measure(Math.max(calls, 16));
    if (round === 0) continue;
    const [encrypt, evaluate, decrypt] = [upload.milliseconds, response.milliseconds, output.milliseconds];
    samples.push({ encrypt, evaluate, decrypt, floor });
  }
  raw.dispose();
  client.dispose();
  evaluator.dispose();
  return {
    id: layer.id,
    match,
    plan,
    compile,
    prepare,
    encrypt: median(samples.map((sample) => sample.encrypt)),
    evaluate: median(samples.map((sample) => sample.evaluate)),
    decrypt: median(samples.map((sample) => sample.decrypt)),
    floor: floorMilliseconds(plan, medianCosts(samples.map((sample) => sample.floor))),
  };
}

const wanted = process.argv.slice(2);
const layers = LAYERS.filter(({ id }) => wanted.length === 0 || wanted.includes(id));
console.log('milliseconds, medians; ratio = evaluate / floor');
console.log(
  'layer  equal      N  q bits  products  compile  prepare  encrypt  evaluate    floor  ratio  decrypt',
);
for (const layer of layers) {
  const result = await benchLayer(layer);
  const { degree, dataPrimes } = result.plan.parameters;
  const bits = dataPrimes.map((prime) => BigInt(prime).toString(2).length).join('+');
  const figures = [result.compile, result.prepare, result.encrypt, result.evaluate, result.floor];
  console.log(
    [
      layer.id.padEnd(5),
      (result.match ? 'yes' : 'NO').padStart(6),
      String(degree).padStart(6),
      bits.padStart(7),
      String(result.plan.counts.products).padStart(9),
      ...figures.map((value) => value.toFixed(1).padStart(8)),
      (result.evaluate / result.floor).toFixed(2).padStart(6),
      result.decrypt.toFixed(1).padStart(8),
    ].join(' '),
  );
  if (!result.match) process.exitCode = 1;
}
console.log(`peak memory ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MiB`);
