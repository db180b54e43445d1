/**
 * `npm run bench:kernels -- [L1 L8 ...]`: runs the benchmark layers encrypted on one thread with both kernels and prints, per
 * layer and kernel, the medians of each step. Ratios are of figures of the same run: evaluate / floor (the sum of the raw
 * node-seal operations that an ntt plan counts), ntt / direct, and whole path / direct kernel alone.
 */
import { compileSpec } from '../../compiler/compile.ts';
import type { OperationCosts } from '../../compiler/operationCosts.ts';
import { clientView } from '../../compiler/plan.ts';
import type { Kernel, Plan, ToeplitzPlan } from '../../compiler/plan.ts';
import type { ConvSpec } from '../../compiler/spec.ts';
import type { Tensor } from '../../compiler/tensor.ts';
import { createClient } from '../../runtime/client.ts';
import { convolve } from '../../runtime/clear/loops.ts';
import { compareTensors } from '../../runtime/compare.ts';
import { createEvaluator } from '../../runtime/evaluator.ts';
import { loadDirect } from '../../runtime/kernels/directModule.ts';
import { loadSeal } from '../../runtime/seal/module.ts';
import { kernelMilliseconds } from './directOperations.ts';
import { LAYERS, layerSpec } from './layers.ts';
import { median, combineCosts, RawOperations } from './rawOperations.ts';

const ROUNDS = 5;
const KERNELS: readonly Kernel[] = ['ntt', 'direct'];

interface KernelResult {
  readonly match: boolean;
  readonly plan: ToeplitzPlan;
  readonly compile: number;
  readonly prepare: number;
  readonly encrypt: number;
  readonly evaluate: number;
  /** ntt: the floor. */
  readonly floor: number;
  /** direct: the kernel alone. */
  readonly kernel: number;
  readonly decrypt: number;
}

function timed<T>(action: () => T): { value: T; milliseconds: number } {
  const start = performance.now();
  const value = action();
  return { value, milliseconds: performance.now() - start };
}

/** A fixed input over the whole range, NCHW. */
function rampInput(spec: ConvSpec): Tensor {
  const { batch, channels, height, width, range } = spec.input;
  const levels = range.hi - range.lo + 1;
  const data = Float64Array.from(
    { length: batch * channels * height * width },
    (_, index) => range.lo + ((index * 7919) % levels),
  );
  return { shape: [batch, channels, height, width], data };
}

/** Milliseconds of the operations that evaluating the plan with the ntt kernel executes. */
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

/** The raw operations of an ntt plan; a direct one has none to speak of. */
async function rawOperations(plan: Plan): Promise<RawOperations | null> {
  if (plan.kernel !== 'ntt') return null;
  return new RawOperations(await loadSeal(), plan.parameters, {
    distinctPlaintexts: Math.min(plan.counts.weightPlaintexts, 4096),
    distinctCiphertexts: plan.transfer.usedChunks.length,
  });
}

async function benchKernel(spec: ConvSpec, kernel: Kernel, expected: Tensor): Promise<KernelResult> {
  const { value: plan, milliseconds: compile } = timed(() =>
    compileSpec(spec, { kernel, lowering: 'toeplitz' }),
  );
  const raw = await rawOperations(plan);
  const client = await createClient(clientView(plan));
  const start = performance.now();
  const evaluator = await createEvaluator(plan);
  const prepare = performance.now() - start;
  const input = rampInput(spec);
  const calls = Math.max(16, Math.min(plan.counts.products, 1000));
  const samples: { encrypt: number; evaluate: number; decrypt: number }[] = [];
  const floors: OperationCosts[] = [];
  let match = true;
  // The first round warms up and is not counted; floor and evaluate alternate so that drift hits both.
  for (let round = 0; round <= ROUNDS; round++) {
    const upload = timed(() => client.encrypt(input));
    const response = timed(() => evaluator.evaluate(upload.value));
    const output = timed(() => client.decrypt(response.value));
    match &&= compareTensors(expected, output.value).match;
    const floor = raw?.measure(calls);
    if (round === 0) continue;
    if (floor !== undefined) floors.push(floor);
    const [encrypt, evaluate, decrypt] = [upload.milliseconds, response.milliseconds, output.milliseconds];
    samples.push({ encrypt, evaluate, decrypt });
  }
  raw?.dispose();
  client.dispose();
  evaluator.dispose();
  return {
    match,
    plan,
    compile,
    prepare,
    encrypt: median(samples.map((sample) => sample.encrypt)),
    evaluate: median(samples.map((sample) => sample.evaluate)),
    decrypt: median(samples.map((sample) => sample.decrypt)),
    floor: floors.length === 0 ? 0 : floorMilliseconds(plan, combineCosts(floors)),
    kernel: kernelMilliseconds(await loadDirect(), plan, ROUNDS),
  };
}

const WIDTHS = [6, 7, 6, 6, 8, 9, 8, 8, 8, 9, 8, 8, 8] as const;

function line(cells: readonly string[]): string {
  return cells.map((cell, index) => cell.padStart(WIDTHS[index] ?? 8)).join('');
}

/** The figures of one kernel, blank where they do not apply. */
function resultLine(id: string, result: KernelResult): string {
  const { plan } = result;
  const bits = plan.parameters.dataPrimes.map((prime) => BigInt(prime).toString(2).length).join('+');
  const cells = [id, plan.kernel, result.match ? 'yes' : 'NO', String(plan.parameters.degree), bits];
  const products = String(plan.counts.products);
  const times = [result.compile, result.prepare, result.encrypt, result.evaluate].map((time) =>
    time.toFixed(1),
  );
  const inner = (plan.kernel === 'ntt' ? result.floor : result.kernel).toFixed(1);
  return line([...cells, products, ...times, inner, result.decrypt.toFixed(1)]);
}

function ratioLine(id: string, [ntt, direct]: readonly KernelResult[]): string {
  if (ntt === undefined || direct === undefined) return '';
  const whole = direct.encrypt + direct.evaluate + direct.decrypt;
  const auto = compileSpec(ntt.plan.spec, { lowering: 'toeplitz' }).kernel;
  return [
    `${id}: evaluate ntt / floor ${(ntt.evaluate / ntt.floor).toFixed(2)}`,
    `evaluate ntt / direct ${(ntt.evaluate / direct.evaluate).toFixed(1)}`,
    `ntt / direct kernel alone ${(ntt.evaluate / direct.kernel).toFixed(1)}`,
    `whole path / direct kernel alone ${(whole / direct.kernel).toFixed(1)}`,
    `auto takes ${auto}`,
  ].join(', ');
}

const wanted = process.argv.slice(2);
const layers = LAYERS.filter(({ id }) => wanted.length === 0 || wanted.includes(id));
const ratios: string[] = [];
console.log('milliseconds, medians; inner: the floor of the ntt kernel, the direct kernel alone');
console.log(
  line([
    'layer',
    'kernel',
    'equal',
    'N',
    'q bits',
    'products',
    'compile',
    'prepare',
    'encrypt',
    'evaluate',
    'inner',
    'decrypt',
  ]),
);
for (const layer of layers) {
  const spec = layerSpec(layer);
  const expected = convolve(spec, rampInput(spec));
  const results: KernelResult[] = [];
  for (const kernel of KERNELS) {
    const result = await benchKernel(spec, kernel, expected);
    results.push(result);
    console.log(resultLine(layer.id, result));
    if (!result.match) process.exitCode = 1;
  }
  ratios.push(ratioLine(layer.id, results));
}
console.log(ratios.join('\n'));
console.log(`peak memory ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MiB`);
