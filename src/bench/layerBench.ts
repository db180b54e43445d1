import { compileSpec } from '../../compiler/compile.ts';
import type { OperationCosts } from '../../compiler/operationCosts.ts';
import { clientView, coeffModulusBits } from '../../compiler/plan.ts';
import type { Kernel, Plan } from '../../compiler/plan.ts';
import type { ConvSpec } from '../../compiler/spec.ts';
import type { Tensor } from '../../compiler/tensor.ts';
import { convolve } from '../../runtime/clear/loops.ts';
import { createClient } from '../../runtime/client.ts';
import type { Client } from '../../runtime/client.ts';
import { compareTensors } from '../../runtime/compare.ts';
import { createEvaluator } from '../../runtime/evaluator.ts';
import type { Evaluator } from '../../runtime/evaluatorTypes.ts';
import { loadSeal } from '../../runtime/seal/module.ts';
import type { LayerResult } from './benchReport.ts';
import { layerSpec } from './layers.ts';
import type { LayerShape } from './layers.ts';
import { loadOrt } from '../model/ort.ts';
import { ortConvolutions } from './onnxruntime.ts';
import { combineCosts, median, RawOperations } from './rawOperations.ts';

/** Rounds that count: more where they are short, for a median that a stolen millisecond does not move. */
const FEWEST_ROUNDS = 5;
const MOST_ROUNDS = 25;
/** Milliseconds after which no further round is begun once the fewest are done. */
const ROUNDS_MS = 1000;
/** Raw operations timed per round, at most. */
const MOST_CALLS = 400;

export async function timed<T>(action: () => T | Promise<T>): Promise<{ value: T; ms: number }> {
  const start = performance.now();
  const value = await action();
  return { value, ms: performance.now() - start };
}

/** A fixed input over the whole range, NCHW. */
export function rampInput({ spec }: Plan): Tensor {
  const { batch, channels, height, width, range } = spec.input;
  const levels = range.hi - range.lo + 1;
  const count = batch * channels * height * width;
  const data = Float64Array.from({ length: count }, (_, index) => range.lo + ((index * 7919) % levels));
  return { shape: [batch, channels, height, width], data };
}

/** Milliseconds of the node-seal operations that the ntt kernel executes for the plan. */
function floorMilliseconds({ counts }: Plan, costs: OperationCosts): number {
  const { inputCiphertexts, outputCiphertexts, products } = counts;
  const microseconds =
    inputCiphertexts * (costs.load + costs.toNtt) +
    products * costs.multiply +
    (products - outputCiphertexts) * costs.add +
    outputCiphertexts * (costs.fromNtt + costs.save);
  return microseconds / 1000;
}

/** One round of one kernel: everything from the tensor to the result. */
interface Round {
  readonly match: boolean;
  readonly encrypt: number;
  readonly encodeUpload: number;
  readonly evaluate: number;
  readonly encodeDownload: number;
  readonly decrypt: number;
}

/** The coding that client and evaluator have done so far, both ways, milliseconds. */
function coding(client: Client, evaluator: Evaluator): { upload: number; response: number } {
  return {
    upload: client.coding.upload + evaluator.coding.upload,
    response: client.coding.response + evaluator.coding.response,
  };
}

async function round(client: Client, evaluator: Evaluator, input: Tensor, expected: Tensor): Promise<Round> {
  const before = coding(client, evaluator);
  const clientBefore = { ...client.coding };
  const serverBefore = { ...evaluator.coding };
  const upload = await timed(() => client.encrypt(input));
  const response = await timed(() => evaluator.evaluate(upload.value));
  const output = await timed(() => client.decrypt(response.value));
  const after = coding(client, evaluator);
  const serverCoding =
    evaluator.coding.upload - serverBefore.upload + evaluator.coding.response - serverBefore.response;
  return {
    match: compareTensors(expected, output.value).match,
    encrypt: upload.ms - (client.coding.upload - clientBefore.upload),
    encodeUpload: after.upload - before.upload,
    evaluate: response.ms - serverCoding,
    encodeDownload: after.response - before.response,
    decrypt: output.ms - (client.coding.response - clientBefore.response),
  };
}

/** Says whether another round is due after so many. */
function roundLimit(): (done: number) => boolean {
  const end = performance.now() + ROUNDS_MS;
  return (done) => done < FEWEST_ROUNDS || (done < MOST_ROUNDS && performance.now() < end);
}

async function plaintextMilliseconds(plan: Plan, input: Tensor): Promise<number | null> {
  const ort = await loadOrt();
  if (ort === null) return null;
  const convolutions = await ortConvolutions(ort, plan.spec, input);
  const medians: number[] = [];
  for (const { run, release } of convolutions) {
    await run();
    const samples: number[] = [];
    const goOn = roundLimit();
    while (goOn(samples.length)) samples.push((await timed(run)).ms);
    medians.push(median(samples));
    await release();
  }
  return Math.min(...medians);
}

/** One kernel on the best plan for it. */
interface Contestant {
  readonly kernel: Kernel;
  readonly plan: Plan;
  readonly compile: number;
  readonly prepare: number;
  readonly client: Client;
  readonly evaluator: Evaluator;
  readonly rounds: Round[];
}

async function contestant(spec: ConvSpec, kernel: Kernel): Promise<Contestant> {
  const compiled = await timed(() => compileSpec(spec, { kernel, lowering: 'toeplitz' }));
  const plan = compiled.value;
  const client = await createClient(clientView(plan));
  const made = await timed(() => createEvaluator(plan));
  return { kernel, plan, compile: compiled.ms, prepare: made.ms, client, evaluator: made.value, rounds: [] };
}

/** Rounds of every kernel in turn, so that a drift of the machine hits all of them; the first round is a warm-up. */
async function runRounds(contestants: readonly Contestant[], ntt: Plan): Promise<OperationCosts[]> {
  const raw = new RawOperations(await loadSeal(), ntt.parameters, {
    distinctPlaintexts: Math.min(ntt.counts.weightPlaintexts, 1024),
    distinctCiphertexts: ntt.transfer.usedChunks.length,
  });
  const input = rampInput(ntt);
  const expected = convolve(ntt.spec, input);
  const floors: OperationCosts[] = [];
  const calls = Math.max(16, Math.min(ntt.counts.products, MOST_CALLS));
  const goOn = roundLimit();
  for (let index = 0; index === 0 || goOn(floors.length); index++) {
    for (const { client, evaluator, rounds } of contestants) {
      const measured = await round(client, evaluator, input, expected);
      if (index > 0 || !measured.match) rounds.push(measured);
    }
    const floor = raw.measure(calls);
    if (index > 0) floors.push(floor);
  }
  raw.dispose();
  return floors;
}

function ratio(left: number | null, right: number | null): number | null {
  return left === null || right === null || right === 0 ? null : left / right;
}

const medianOf = (rounds: readonly Round[], field: Exclude<keyof Round, 'match'>): number =>
  median(rounds.map((measured) => measured[field]));

/** Times one layer with both kernels, each on the plan that is best for it. */
export async function benchLayer(layer: LayerShape): Promise<LayerResult> {
  const spec = layerSpec(layer);
  const { kernel: chosen } = compileSpec(spec, { lowering: 'toeplitz' });
  const ntt = await contestant(spec, 'ntt');
  const direct = await contestant(spec, 'direct');
  const auto = chosen === 'ntt' ? ntt : direct;
  const { plan } = auto;
  const floors = await runRounds([ntt, direct], ntt.plan);
  for (const { client, evaluator } of [ntt, direct]) {
    client.dispose();
    evaluator.dispose();
  }
  const evaluate = {
    ntt: medianOf(ntt.rounds, 'evaluate'),
    direct: medianOf(direct.rounds, 'evaluate'),
    auto: medianOf(auto.rounds, 'evaluate'),
  };
  const [encrypt, encodeUpload] = [medianOf(auto.rounds, 'encrypt'), medianOf(auto.rounds, 'encodeUpload')];
  const encodeDownload = medianOf(auto.rounds, 'encodeDownload');
  const decrypt = medianOf(auto.rounds, 'decrypt');
  const floorNtt = floorMilliseconds(ntt.plan, combineCosts(floors));
  const plaintext = await plaintextMilliseconds(plan, rampInput(plan));
  const total = encrypt + encodeUpload + evaluate.auto + encodeDownload + decrypt;
  return {
    id: layer.id,
    match: [ntt, direct].every(({ rounds }) => rounds.every(({ match }) => match)),
    params: {
      degree: plan.parameters.degree,
      coeffModulusBits: coeffModulusBits(plan.parameters),
      plainModulus: plan.parameters.plainModulus,
    },
    kernel: plan.kernel,
    counts: plan.counts,
    bytes: plan.bytes,
    ms: {
      compile: auto.compile,
      prepare: auto.prepare,
      encrypt,
      encodeUpload,
      evaluate,
      floorNtt,
      encodeDownload,
      decrypt,
      total,
      plaintext,
    },
    ratios: {
      nttOverFloor: ratio(evaluate.ntt, floorNtt),
      nttOverDirect: ratio(evaluate.ntt, evaluate.direct),
      autoOverPlaintext: ratio(evaluate.auto, plaintext),
      totalOverAuto: ratio(total, evaluate.auto),
    },
  };
}
