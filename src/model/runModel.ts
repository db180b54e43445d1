import { CipherconvError, disposedError, internalError } from '../../compiler/base/errors.ts';
import type { AsyncDisposableHandle } from '../../runtime/disposable.ts';
import { openRunner } from '../run.ts';
import type { Runner, RunResult, RunStep } from '../run.ts';
import { openClearGraph } from './openClearGraph.ts';
import type { ClearGraph } from './clearGraph.ts';
import { compareNetwork } from './compareModel.ts';
import { layerInput, layerOutput } from './layerTensors.ts';
import { layersOf } from './modelPlan.ts';
import type { ModelLayer, ModelPlan, ModelSegment } from './modelPlan.ts';
import type { ModelComparison, ModelRunReport } from './modelReport.ts';
import { runtimeStatistic } from './statistic.ts';
import type { StatisticResult } from './statistic.ts';
import { fromDense, toDense } from './typedTensor.ts';
import type { TypedTensor } from './typedTensor.ts';

type Tensors = Map<string, TypedTensor>;

/** What one run of a model gave. */
export interface ModelRunResult {
  /** What `run --json` prints. */
  readonly report: ModelRunReport;
  /** Why the report has no statistic; null where it has one. */
  readonly statisticReason: string | null;
  /** By the names that the model gives them. */
  readonly outputs: ReadonlyMap<string, TypedTensor>;
  /** Everything that passed between segments and layers, by name: what the client saw. */
  readonly activations: ReadonlyMap<string, TypedTensor>;
  /** In the order of the report's layers. */
  readonly layers: readonly RunResult[];
  /** Milliseconds that the client spent in the segments. */
  readonly segmentMs: number;
}

/** How a model runs and whom it tells; everything has a default. */
export interface ModelRunOptions {
  /** For each layer, as `RunOptions` has it. */
  readonly weightMemoryBytes?: number;
  /** Keep keys, weights and sub-models for the next input; otherwise one layer is in memory at a time. */
  readonly keep?: boolean;
  /** Leave out the run of the whole network in the clear; layers are compared all the same. */
  readonly compareOutputs?: boolean;
  /** Told when a step begins (done 0 of 1) and how far it is. */
  readonly onProgress?: (step: string, done: number, total: number) => void;
}

/** What may end a run early. */
export interface ModelSignal {
  /** Aborts between two steps of a layer, and between segments. */
  readonly signal?: AbortSignal;
}

/** A client and a server of a compiled model. */
export class ModelRunner implements AsyncDisposableHandle {
  readonly #plan: ModelPlan;
  readonly #options: ModelRunOptions;
  readonly #runners = new Map<ModelLayer, Runner>();
  readonly #segments = new Map<ModelSegment, ClearGraph>();
  #isDisposed = false;

  private constructor(plan: ModelPlan, options: ModelRunOptions) {
    this.#plan = plan;
    this.#options = options;
  }

  /** A runner of the plan; the caller disposes of it. */
  static open(plan: ModelPlan, options: ModelRunOptions = {}): Promise<ModelRunner> {
    return Promise.resolve(new ModelRunner(plan, options));
  }

  /**
   * Runs the model: segments in the clear on the client, every layer encrypted on the server.
   * @param inputs by name, of the types and shapes that the model declares
   * @throws CipherconvError `shape-mismatch` or `out-of-range` for inputs that the model does not take; the signal's
   * reason when it aborts.
   */
  async run(inputs: ReadonlyMap<string, TypedTensor>, { signal }: ModelSignal = {}): Promise<ModelRunResult> {
    if (this.#isDisposed) throw disposedError('model runner');
    checkInputs(this.#plan, inputs);
    const tensors: Tensors = new Map(inputs);
    const results: RunResult[] = [];
    let segmentMs = 0;
    for (const [index, segment] of this.#plan.segments.entries()) {
      signal?.throwIfAborted();
      if (segment !== null) {
        this.#announce(`segment ${index + 1}`, 0, 1);
        const start = performance.now();
        await this.#runSegment(segment, tensors);
        segmentMs += performance.now() - start;
      }
      for (const layer of this.#plan.rounds[index] ?? [])
        results.push(await this.#runLayer(layer, tensors, signal));
    }
    const outputs = new Map(this.#plan.outputs.map(({ name }) => [name, take(tensors, name)]));
    const check = await this.#check(inputs, outputs);
    return {
      report: this.#report(results, check),
      statisticReason: check.reason,
      outputs,
      activations: tensors,
      layers: results,
      segmentMs,
    };
  }

  /** Deletes the keys and weights that are kept. A second call does nothing; `run` then throws `usage`. */
  dispose(): Promise<void> {
    this.#isDisposed = true;
    for (const runner of this.#runners.values()) runner.dispose();
    this.#runners.clear();
    this.#segments.clear();
    return Promise.resolve();
  }

  /** `dispose`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  #announce(step: string, done: number, total: number): void {
    this.#options.onProgress?.(step, done, total);
  }

  async #runSegment(segment: ModelSegment, tensors: Tensors): Promise<void> {
    const graph = this.#segments.get(segment) ?? openClearGraph(segment.model, segment.inputs);
    const given = segment.inputs.map((name) => [name, toDense(take(tensors, name), name)] as const);
    const made = await graph.run(new Map(given), segment.outputs);
    for (const [name, tensor] of made) tensors.set(name, fromDense(tensor, name));
    if (this.#options.keep === true) this.#segments.set(segment, graph);
  }

  async #runLayer(layer: ModelLayer, tensors: Tensors, signal: AbortSignal | undefined): Promise<RunResult> {
    const aborting = signal === undefined ? {} : { signal };
    const input = layerInput(layer, take(tensors, layer.input.tensor));
    const runner = this.#runners.get(layer) ?? (await this.#openRunner(layer, aborting));
    try {
      const result = await runner.run(input, aborting);
      tensors.set(layer.output.tensor, layerOutput(layer, result.output));
      return result;
    } finally {
      if (this.#options.keep === true) this.#runners.set(layer, runner);
      else runner.dispose();
    }
  }

  #openRunner(layer: ModelLayer, aborting: ModelSignal): Promise<Runner> {
    const { weightMemoryBytes } = this.#options;
    const onProgress = (step: RunStep, done: number, total: number): void => {
      this.#announce(`${layer.name}: ${step}`, done, total);
    };
    const memory = weightMemoryBytes === undefined ? {} : { weightMemoryBytes };
    return openRunner(layer.stored.plan, { ...memory, ...aborting, onProgress });
  }

  /** The run beside the whole network in the clear: what decides, and what a runtime says. */
  async #check(inputs: ReadonlyMap<string, TypedTensor>, outputs: Tensors): Promise<Check> {
    if (this.#options.compareOutputs === false)
      return { comparison: null, statistic: null, reason: 'outputs were not compared' };
    this.#announce('compare', 0, 1);
    const network = openClearGraph(this.#plan.network, []);
    const comparison = await compareNetwork(this.#plan, network, inputs, outputs);
    return { comparison, ...(await runtimeStatistic(this.#plan, network, inputs, outputs)) };
  }

  #report(results: readonly RunResult[], { comparison, statistic }: Check): ModelRunReport {
    const { rounds, macs, clear } = this.#plan;
    const layers = layersOf(this.#plan).map(({ name }, index) => ({ name, ...results[index]!.report }));
    const isEqual = comparison === null || comparison.mismatches === 0;
    return {
      match: layers.every(({ match }) => match) && isEqual,
      layers,
      rounds: rounds.length,
      comparison,
      macs,
      clear,
      statistic,
    };
  }
}

/** What a run was compared with. */
type Check = { readonly comparison: ModelComparison | null } & StatisticResult;

function take(tensors: ReadonlyMap<string, TypedTensor>, name: string): TypedTensor {
  const tensor = tensors.get(name);
  if (tensor === undefined) throw internalError(`the tensor ${name} is missing`);
  return tensor;
}

function checkInputs(plan: ModelPlan, inputs: ReadonlyMap<string, TypedTensor>): void {
  for (const { name, type, shape } of plan.inputs) {
    const input = inputs.get(name);
    const found = input === undefined ? 'nothing' : `${input.type} [${input.shape.join(', ')}]`;
    const wanted = `${type} [${shape?.join(', ') ?? 'any shape'}]`;
    if (input?.type === type && (shape === null || input.shape.join() === shape.join())) continue;
    throw new CipherconvError({
      code: 'shape-mismatch',
      where: name,
      message: `the model's input ${JSON.stringify(name)} is another tensor`,
      expected: wanted,
      found,
    });
  }
}

/**
 * Runs a compiled model once: segments in the clear, layers encrypted, everything compared.
 * @param inputs by name, of the types and shapes that the model declares
 * @throws CipherconvError as `ModelRunner` does.
 */
export async function runModel(
  plan: ModelPlan,
  inputs: ReadonlyMap<string, TypedTensor>,
  options: Omit<ModelRunOptions, 'keep'> & ModelSignal = {},
): Promise<ModelRunResult> {
  return (await ModelRunner.open(plan, options)).run(inputs, options);
}
