import type { Plan } from '../../compiler/lowerings/plan.ts';
import { compileSpec } from '../../compiler/lowerings/compile.ts';
import { clientView } from '../../compiler/lowerings/views.ts';
import type { Protocol } from '../../compiler/lowering/plan.ts';
import type { Tensor } from '../../compiler/base/tensor.ts';
import { compareTensors } from '../../runtime/clear/compare.ts';
import { convolve } from '../../runtime/clear/loops.ts';
import { createClient } from '../../runtime/client/client.ts';
import { createHintClient } from '../../runtime/client/hintClient.ts';
import type { DisposableHandle } from '../../runtime/disposable.ts';
import { createEvaluator } from '../../runtime/evaluator/evaluator.ts';
import type { Evaluator } from '../../runtime/evaluator/types.ts';
import { publicSeedOf } from '../frontend/planDigest.ts';
import type { StoredPlan } from '../frontend/planFile.ts';
import { computeHint } from '../hint.ts';
import { layersOf } from '../model/modelFlow.ts';
import type { JoinedModel, ModelLayer } from '../model/modelPlan.ts';
import type { describeMachine } from './benchReport.ts';
import { rampInput, timed } from './layerRounds.ts';
import { median } from './rawOperations.ts';

/** Rounds of a layer that are timed, after one that is not. */
const ROUNDS = 3;

/** Milliseconds of one layer, one thread, both sides in this process. */
export interface ModelLayerTimes {
  /** Standard protocol, from nothing: keys, weights prepared, encrypted, evaluated, decrypted. Once. */
  readonly cold: number;
  /** Computing the hint, once a plan; 0 without. */
  readonly hint: number;
  /** Preparing the weights for what is compiled, once a server. */
  readonly prepare: number;
  /** What the client makes before the input is there. */
  readonly offline: number;
  /** The server's part of `online`, coding included. */
  readonly evaluate: number;
  /** From the input to the output, keys prepared. */
  readonly online: number;
}

/** What travels: `hint` once, the others for every inference. */
interface ModelLayerBytes {
  readonly upload: number;
  readonly response: number;
  readonly hint: number;
}

export interface ModelLayerResult {
  readonly name: string;
  /** What the compiler took for it. */
  readonly protocol: Protocol;
  /** Whether every result was the convolution's, integer by integer. */
  readonly match: boolean;
  readonly ms: ModelLayerTimes;
  readonly bytes: ModelLayerBytes;
}

/** What `bench --model --json` prints. */
export interface ModelBenchReport {
  readonly machine: ReturnType<typeof describeMachine> & {
    /** Share of the processors' time that went to others, 0 to 1; null where the system does not tell. */
    readonly stolen: number | null;
  };
  readonly model: string;
  readonly layers: readonly ModelLayerResult[];
  readonly total: {
    readonly match: boolean;
    readonly ms: ModelLayerTimes;
    readonly bytes: ModelLayerBytes;
    /** `cold` over `online`. */
    readonly coldOverOnline: number;
  };
  readonly peakRssMiB: number;
}

/** One inference with a client and a server that are open. */
interface Sides extends DisposableHandle {
  readonly prepare: () => void;
  /** The output, and the server's milliseconds. */
  readonly infer: (input: Tensor) => { readonly output: Tensor; readonly evaluate: number };
}

function evaluated(
  evaluator: Evaluator,
  upload: readonly Uint8Array[],
): { results: readonly Uint8Array[]; evaluate: number } {
  const began = performance.now();
  const results = evaluator.evaluate(upload);
  return { results, evaluate: performance.now() - began };
}

async function standardSides(plan: Plan): Promise<Sides> {
  const client = await createClient(clientView(plan));
  const evaluator = await createEvaluator(plan, { reuseResponse: true });
  const dispose = (): void => {
    client.dispose();
    evaluator.dispose();
  };
  return {
    prepare: () => {
      client.precompute(1);
    },
    infer: (input) => {
      const { results, evaluate } = evaluated(evaluator, client.encrypt(input));
      return { output: client.decrypt(results), evaluate };
    },
    dispose,
    [Symbol.dispose]: dispose,
  };
}

async function hintSides(stored: StoredPlan, hint: Uint8Array): Promise<Sides> {
  const { plan } = stored;
  const client = await createHintClient(clientView(plan), { publicSeed: publicSeedOf(stored), hint });
  const evaluator = await createEvaluator(plan, { reuseResponse: true });
  const dispose = (): void => {
    client.dispose();
    evaluator.dispose();
  };
  return {
    prepare: () => {
      client.prepare(1);
    },
    infer: (input) => {
      const exchange = client.begin(input);
      const { results, evaluate } = evaluated(evaluator, exchange.upload);
      return { output: exchange.decrypt(results), evaluate };
    },
    dispose,
    [Symbol.dispose]: dispose,
  };
}

/** The first inference of all in the standard protocol. */
async function coldInference(plan: Plan, input: Tensor): Promise<{ output: Tensor; ms: number }> {
  const { value, ms } = await timed(async () => {
    using sides = await standardSides(plan);
    return sides.infer(input).output;
  });
  return { output: value, ms };
}

async function benchModelLayer({ name, stored }: ModelLayer): Promise<ModelLayerResult> {
  const { plan } = stored;
  const input = rampInput(plan);
  const expected = convolve(plan.spec, input);
  const standard = stored.hint === null ? plan : compileSpec(plan.spec, { protocol: 'standard' });
  const cold = await coldInference(standard, input);
  const { value: hint, ms: hintMs } =
    stored.hint === null ? { value: null, ms: 0 } : await timed(async () => (await computeHint(stored)).hint);
  const opened = await timed(() => (hint === null ? standardSides(plan) : hintSides(stored, hint)));
  using sides = opened.value;
  let match = compareTensors(expected, cold.output).match;
  const round = (): Pick<ModelLayerTimes, 'offline' | 'evaluate' | 'online'> => {
    const began = performance.now();
    sides.prepare();
    const prepared = performance.now();
    const { output, evaluate } = sides.infer(input);
    const online = performance.now() - prepared;
    match &&= compareTensors(expected, output).match;
    return { offline: prepared - began, evaluate, online };
  };
  round();
  const rounds = Array.from({ length: ROUNDS }, round);
  const middle = (key: 'offline' | 'evaluate' | 'online'): number => median(rounds.map((each) => each[key]));
  const { upload, response } = plan.bytes;
  return {
    name,
    protocol: hint === null ? 'standard' : 'hint',
    match,
    ms: {
      cold: cold.ms,
      hint: hintMs,
      prepare: opened.ms,
      offline: middle('offline'),
      evaluate: middle('evaluate'),
      online: middle('online'),
    },
    bytes: { upload, response, hint: hint?.length ?? 0 },
  };
}

/**
 * The layer work of a whole model, one layer in memory at a time; what the client computes in between is not in it. Inputs
 * are made up, over the whole range of each layer.
 * @param onLayer told which layer begins: its position, how many there are
 */
export async function benchModel(
  plan: JoinedModel,
  onLayer: (layer: number, total: number) => void,
): Promise<Pick<ModelBenchReport, 'model' | 'layers' | 'total'>> {
  const layers: ModelLayerResult[] = [];
  const all = layersOf(plan);
  for (const layer of all) {
    onLayer(layers.length, all.length);
    layers.push(await benchModelLayer(layer));
  }
  return { model: plan.name, layers, total: totalOf(layers) };
}

function totalOf(layers: readonly ModelLayerResult[]): ModelBenchReport['total'] {
  const sum = (value: (layer: ModelLayerResult) => number): number =>
    layers.reduce((total, layer) => total + value(layer), 0);
  const ms = {
    cold: sum((layer) => layer.ms.cold),
    hint: sum((layer) => layer.ms.hint),
    prepare: sum((layer) => layer.ms.prepare),
    offline: sum((layer) => layer.ms.offline),
    evaluate: sum((layer) => layer.ms.evaluate),
    online: sum((layer) => layer.ms.online),
  };
  return {
    match: layers.every(({ match }) => match),
    ms,
    bytes: {
      upload: sum((layer) => layer.bytes.upload),
      response: sum((layer) => layer.bytes.response),
      hint: sum((layer) => layer.bytes.hint),
    },
    coldOverOnline: ms.cold / ms.online,
  };
}
