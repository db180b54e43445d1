/**
 * `npm run bench:one-round [-- --rounds 40] [--weights FILE.json ..]`: networks in one round, under SEAL in this process.
 * Processor time of every step of the evaluator, smallest and median of all rounds, keys loaded, no HTTP. The shapes are
 * those of docs/performance.md with weights of a fixed generator, or networks from files: { cfg: { maps, k, stride, pad,
 * X }, W0, b0, W1, b1, W2, b2 }, inputs 0 to X, W1 null without a hidden layer. Every logit of every round is compared with
 * the integers in the clear; exit 1 when one differs.
 */
import { readFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { compileNetwork } from '../compiler/network/compile.ts';
import type { NetworkPlan } from '../compiler/network/plan.ts';
import { buildNetworkProgram } from '../compiler/network/program.ts';
import { convolutionStage, denseStage } from '../compiler/network/stages.ts';
import { UNSCALED } from '../compiler/network/spec.ts';
import type { NetworkSpec } from '../compiler/network/spec.ts';
import { networkView } from '../compiler/network/view.ts';
import { createNetworkClient } from '../runtime/network/client.ts';
import { createNetworkEvaluator } from '../runtime/network/evaluator.ts';
import { describeMachine } from '../src/bench/benchReport.ts';
import { median } from '../src/bench/rawOperations.ts';

/** A network as it is read from a file. */
interface Weights {
  readonly cfg: {
    readonly maps: number;
    readonly k: number;
    readonly stride: number;
    readonly pad: number;
    readonly X: number;
  };
  readonly W0: readonly (readonly number[])[];
  readonly b0: readonly number[];
  readonly W1: readonly (readonly number[])[] | null;
  readonly b1: readonly number[] | null;
  readonly W2: readonly (readonly number[])[];
  readonly b2: readonly number[];
}

interface Times {
  readonly name: string;
  readonly milliseconds: readonly number[];
}

const SIDE = 28;
const LOGITS = 10;

/** Integers in [-largest, largest], 0 but for one in `sparsity`. */
function rows(
  count: number,
  length: number,
  largest: number,
  sparsity: number,
  random: () => number,
): number[][] {
  return Array.from({ length: count }, () =>
    Array.from({ length }, () =>
      random() * sparsity < 1 ? Math.floor(random() * (2 * largest + 1)) - largest : 0,
    ),
  );
}

/** Weights that the widths of the table carry: 17 bits with one square, 34 with two. */
function randomWeights(maps: number, hidden: number, largestInput: number): Weights {
  let state = 20261129;
  const random = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const outputs = maps * 13 * 13;
  const zeros = (count: number): number[] => Array.from({ length: count }, () => 0);
  return {
    cfg: { maps, k: 5, stride: 2, pad: 1, X: largestInput },
    W0: rows(maps, 25, 1, maps === 5 ? 1.7 : 2.6, random),
    b0: zeros(maps).map((_, index) => index - 2),
    W1: hidden === 0 ? null : rows(hidden, outputs, 1, 8, random),
    b1: hidden === 0 ? null : zeros(hidden).map((_, index) => index),
    W2: rows(LOGITS, hidden === 0 ? outputs : hidden, hidden === 0 ? 1 : 2, hidden === 0 ? 4 : 1.5, random),
    b2: zeros(LOGITS).map((_, index) => 7 * index),
  };
}

function specOf(name: string, { cfg, W0, b0, W1, b1, W2, b2 }: Weights): NetworkSpec {
  const geometry = {
    shape: [1, SIDE, SIDE],
    outputs: cfg.maps,
    kernel: [cfg.k, cfg.k],
    strides: [cfg.stride, cfg.stride],
    pads: [cfg.pad, cfg.pad, cfg.pad, cfg.pad],
  } as const;
  const first = convolutionStage('conv', geometry, W0.flat(), b0);
  const hidden = W1 === null ? [] : [denseStage('dense', first.outputs, W1.flat(), b1 ?? [])];
  const last = denseStage('logits', W1 === null ? first.outputs : W1.length, W2.flat(), b2);
  return {
    name,
    input: { shape: [1, SIDE, SIDE], range: { lo: 0, hi: cfg.X } },
    stages: [first, ...hidden, last],
    output: { shape: [LOGITS], scale: UNSCALED },
  };
}

/** The logits in the clear. */
function clearLogits({ stages }: NetworkSpec, input: Float64Array): bigint[] {
  let current = Array.from(input, BigInt);
  stages.forEach((stage, index) => {
    const read = index === 0 ? current : current.map((value) => value * value);
    current = stage.bias.map((bias, row) => {
      let sum = BigInt(bias);
      for (let entry = stage.starts[row]!; entry < stage.starts[row + 1]!; entry++)
        if (stage.weights[entry] !== 0) sum += BigInt(stage.weights[entry]!) * read[stage.columns[entry]!]!;
      return sum;
    });
  });
  return current;
}

/** Milliseconds of processor time of this process. */
function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

async function measure(spec: NetworkSpec, plan: NetworkPlan, rounds: number): Promise<Times[]> {
  const program = buildNetworkProgram(spec, plan.parameters.degree, plan.layout);
  using client = await createNetworkClient(networkView(plan, program));
  using evaluator = await createNetworkEvaluator(plan);
  evaluator.loadEvaluationKeys(client.evaluationKeys());
  const steps = new Map<string, number[]>();
  const all: number[] = [];
  const encrypt: number[] = [];
  for (let round = -3; round < rounds; round++) {
    const data = Float64Array.from(
      { length: SIDE * SIDE },
      (_, index) => (index * 7 + round * 31 + 100 + (index % 11) * round) % (spec.input.range.hi + 1),
    ).map(Math.abs);
    const start = processorTime();
    const upload = client.encrypt({ shape: spec.input.shape, data });
    const encrypted = processorTime() - start;
    const sums = new Map<string, number>();
    let [stage, isFirst] = [0, true];
    let before = processorTime();
    const began = before;
    const results = evaluator.evaluate(upload, (kind) => {
      if (isFirst) stage = 1;
      isFirst = false;
      const now = processorTime();
      const name = `${stage} ${kind}`;
      sums.set(name, (sums.get(name) ?? 0) + now - before);
      before = now;
      if (kind === 'square') stage++;
      if (kind === 'mask') isFirst = true;
    });
    const end = processorTime();
    if (client.decrypt(results).join() !== clearLogits(spec, data).join())
      throw new Error(`${spec.name}: logits differ`);
    if (round < 0) continue;
    all.push(end - began);
    encrypt.push(encrypted);
    for (const [name, time] of sums) steps.set(name, [...(steps.get(name) ?? []), time]);
    steps.set('response', [...(steps.get('response') ?? []), end - before]);
  }
  return [
    { name: 'evaluate', milliseconds: all },
    { name: 'encrypt', milliseconds: encrypt },
    ...Array.from(steps, ([name, milliseconds]) => ({ name, milliseconds })),
  ];
}

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '40' },
    weights: { type: 'string', multiple: true, default: [] },
  },
});
const networks =
  values.weights.length > 0
    ? values.weights.map((file) => specOf(file, JSON.parse(readFileSync(file, 'utf8')) as Weights))
    : [
        specOf('conv of 5 maps, square, dense', randomWeights(5, 0, 3)),
        specOf('conv of 24 maps, square, dense', randomWeights(24, 0, 1)),
        specOf('conv of 5 maps, square, dense 100, square, dense', randomWeights(5, 100, 3)),
      ];
console.log(JSON.stringify(describeMachine()));
for (const spec of networks) {
  const plan = compileNetwork(spec);
  const { counts, parameters, analysis } = plan;
  console.log(
    `\n${spec.name}: ${analysis.provedBits.toFixed(1)} bits, t ${parameters.plainModuli.join(' ')}`,
  );
  console.log(
    `q ${[...parameters.dataPrimes, parameters.specialPrime].map((prime) => Math.log2(Number(prime)).toFixed(1)).join(' ')}, ` +
      `primes ${plan.primes.map(({ products, sums }) => `${products}/${sums}`).join(' ')}, layout ${JSON.stringify(plan.layout)}`,
  );
  console.log(
    `rotations ${counts.rotations}, products ${counts.products}, budget ${plan.noise.predictedBudgetBits}, ` +
      `up ${plan.bytes.upload}, keys ${plan.bytes.keys}, estimated ${plan.report.estimatedMilliseconds}`,
  );
  const load = loadavg()[0]!.toFixed(2);
  const times = await measure(spec, plan, Number(values.rounds));
  console.log(`load ${load}; ms, smallest and median of ${values.rounds}`);
  for (const { name, milliseconds } of times)
    console.log(
      `${name.padEnd(16)} ${Math.min(...milliseconds)
        .toFixed(1)
        .padStart(7)} ${median(milliseconds).toFixed(1).padStart(7)}`,
    );
}
