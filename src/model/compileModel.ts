import { compileSteps } from '../../compiler/lowerings/compile.ts';
import type { Steps } from '../../compiler/base/steps.ts';
import { finishInTurns, finishUnless } from '../steps.ts';
import type { AbortableCompileOptions } from '../abortable.ts';
import { CipherconvError } from '../../compiler/base/errors.ts';
import { extentFlags } from '../frontend/onnx/graph/extents.ts';
import type { ImportedLayer } from '../frontend/imported/types.ts';
import type { ImportedModel } from '../frontend/imported/model.ts';
import type { Plan } from '../../compiler/lowerings/plan.ts';
import { freshBlind } from '../frontend/planDigest.ts';
import { completePlan, planCore } from '../frontend/planFile.ts';
import type { PlanCore, StoredPlan } from '../frontend/planFile.ts';
import { cutModel } from './modelCut.ts';
import type { ModelPlan } from './modelPlan.ts';
import { quoted } from '../frontend/onnx/refusal.ts';
import type { CompileOptions } from '../../compiler/lowerings/compile.ts';
import { overflowHint } from '../compile.ts';
import { complete } from '../hint.ts';
import type { CompletePlan } from '../hint.ts';

/** How many inferences of a client the layers of a model are compiled for, where nobody says: models are asked again. */
const MODEL_INFERENCES = 2;

/** What to compile every layer of a model for; everything has a default, as for one convolution. */
export interface ModelCompileOptions extends AbortableCompileOptions {
  /** Accept a model in which nothing is encrypted. */
  readonly allowClear?: boolean;
  /** Give each layer a fresh blind, so that no digest confirms guessed weights; two compilations then differ. */
  readonly isBlinded?: boolean;
  /** Told of the hint that is being computed: its layer, the rows that are done, their number. */
  readonly onHint?: (layer: number, done: number, total: number) => void;
  /**
   * Completes the plans, their hints computed, in order, unless the signal aborts: `onHint` is then not told. Default: one after
   * the other, by this thread.
   */
  readonly completeAll?: (
    cores: readonly PlanCore[],
    aborting: Pick<AbortableCompileOptions, 'signal'>,
  ) => Promise<readonly CompletePlan[]>;
  /** Given every hint that was computed, and the digest of its layer's plan. */
  readonly onHintMade?: (digest: string, hint: Uint8Array) => void;
}

/** Tensors in a model's files have the graph's own axis order; its layers are NCHW inside. */
const LAYOUT = 'NCHW';

/** Told which layer begins: its position, how many there are. */
export type LayerObserver = (layer: number, total: number) => void;

/**
 * Compiles an imported model: one plan for each linear layer, and the segments between them.
 * @param options apply to every layer
 * @param onLayer told which layer begins: its position, how many there are
 * @throws CipherconvError `overflow` or `beyond-bfv` naming the layer, `unsupported` for weights that are graph
 * inputs, symbolic extents without a size, and a model in which nothing can be encrypted unless `allowClear`; the
 * signal's reason when it aborts.
 */
export function compileModel(
  model: ImportedModel,
  options: ModelCompileOptions = {},
  onLayer: LayerObserver = () => undefined,
): ModelPlan {
  refuseHints(options);
  const { cores, join } = finishUnless(options.signal, modelSteps(model, options, onLayer));
  return join(cores.map((core) => completePlan(core, null)));
}

/**
 * The same, with turns of the event loop in between, so that a signal of the same thread can abort it. Layers may have
 * hints, which are computed on the way: models are asked again, so that `inferences` is 2 where it is not given.
 */
export async function compileModelAsync(
  model: ImportedModel,
  options: ModelCompileOptions = {},
  onLayer: LayerObserver = () => undefined,
): Promise<ModelPlan> {
  const { signal, onHint, onHintMade, completeAll, inferences = MODEL_INFERENCES } = options;
  const steps = modelSteps(model, { ...options, inferences }, onLayer);
  const { cores, join } = await finishInTurns(signal, steps);
  const aborting = signal === undefined ? {} : { signal };
  const completed = await (completeAll ?? oneByOne)(cores, aborting);
  signal?.throwIfAborted();
  for (const { plan, hint } of completed) if (hint !== null) onHintMade?.(plan.digest, hint);
  return join(completed.map(({ plan }) => plan));

  async function oneByOne(): Promise<CompletePlan[]> {
    const plans: CompletePlan[] = [];
    for (const [layer, core] of cores.entries()) {
      const onProgress = (done: number, total: number): void => onHint?.(layer, done, total);
      plans.push(await complete(core, { ...aborting, onProgress }));
    }
    return plans;
  }
}

/** @throws CipherconvError `usage` for options under which layers may have hints: those are computed in turns. */
function refuseHints({ protocol = 'auto', inferences = 1 }: ModelCompileOptions): void {
  if (protocol === 'standard' || (protocol === 'auto' && inferences < 2)) return;
  throw new CipherconvError({
    code: 'usage',
    where: protocol === 'auto' ? 'inferences' : 'protocol',
    message: 'compileModel computes no hints',
    expected: 'the standard protocol',
    found: protocol === 'auto' ? `${inferences} inferences` : protocol,
    hint: "take compileModelAsync, or protocol: 'standard'",
  });
}

/** The layers' plans before their hints are known, and what joins the complete ones to the model. */
interface ModelDraft {
  readonly cores: readonly PlanCore[];
  readonly join: (plans: readonly StoredPlan[]) => ModelPlan;
}

function* modelSteps(
  model: ImportedModel,
  { allowClear, isBlinded, ...layerOptions }: ModelCompileOptions,
  onLayer: LayerObserver,
): Steps<ModelDraft> {
  refuseOpenExtents(model);
  refuseOpenLayers(model);
  if (allowClear !== true) refuseAllClear(model);
  const { rounds, layers, graph, ...rest } = cutModel(model);
  const cores: PlanCore[] = [];
  for (const [index, layer] of model.layers.entries()) {
    onLayer(index, model.layers.length);
    const plan = yield* compileLayer(model.file, layer, layerOptions);
    cores.push(planCore(plan, LAYOUT, isBlinded === true ? freshBlind() : null));
    yield;
  }
  const network = graph.whole();
  const join = (plans: readonly StoredPlan[]): ModelPlan => ({
    ...rest,
    network,
    rounds: rounds.map((round) => round.map((index) => ({ ...layers[index]!, stored: plans[index]! }))),
  });
  return { cores, join };
}

/** A model in which nothing is encrypted protects nothing: nobody should believe otherwise. */
function refuseAllClear({ file, layers, unsupported }: ImportedModel): void {
  if (layers.length > 0) return;
  const shown = unsupported.slice(0, 3).map(({ name, op, reason }) => `${quoted(name)} (${op}): ${reason}`);
  const more = unsupported.length - shown.length;
  throw new CipherconvError({
    code: 'unsupported',
    where: file,
    message: 'nothing of this model can be encrypted',
    expected: 'a linear layer on integers',
    found: shown.length === 0 ? 'no linear layer' : `${shown.join('; ')}${more > 0 ? `; ${more} more` : ''}`,
    hint: '--allow-clear (allowClear) computes all of it in the clear all the same',
  });
}

/** @throws CipherconvError `unsupported` */
function refuseOpenExtents({ file, openExtents }: ImportedModel): void {
  if (openExtents.length === 0) return;
  const places = openExtents.map(({ symbol, input, axis }) => `${symbol} (axis ${axis} of ${input})`);
  throw new CipherconvError({
    code: 'unsupported',
    where: file,
    message: `extents of the model's inputs are symbolic, and a plan is for fixed sizes: ${places.join(', ')}`,
    expected: 'a size for each',
    found: openExtents.map(({ symbol }) => symbol).join(', '),
    hint: `${extentFlags(openExtents)}; the API takes them as extents, and run takes them from the input`,
  });
}

/** @throws CipherconvError `unsupported` */
function refuseOpenLayers({ file, openLayers }: ImportedModel): void {
  const [first] = openLayers;
  if (first === undefined) return;
  throw new CipherconvError({
    code: 'unsupported',
    where: `${file}: ${first.name}`,
    message: `the weights, scales or zero points of ${first.op} are graph inputs, so nothing can be compiled for them`,
    expected: 'constants',
    found: `graph inputs ${first.open.join(', ')}`,
    hint: first.open.map((name) => `--bind ${name}=FILE.pb`).join(' '),
  });
}

function* compileLayer(file: string, layer: ImportedLayer, options: CompileOptions): Steps<Plan> {
  try {
    return yield* compileSteps(layer.spec, options);
  } catch (error) {
    if (!(error instanceof CipherconvError)) throw error;
    const { where } = error.details;
    const place = `${file}: ${layer.name}`;
    const hint = error.code === 'overflow' ? { hint: overflowHint(layer.spec) } : {};
    throw new CipherconvError(
      { ...error.details, where: where === undefined ? place : `${place}: ${where}`, ...hint },
      { cause: error },
    );
  }
}
