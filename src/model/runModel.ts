import { CipherconvError, disposedError, internalError } from '../../compiler/base/errors.ts';
import type { AsyncDisposableHandle } from '../../runtime/disposable.ts';
import { openRunner } from '../run.ts';
import type { Runner, RunResult, RunStep } from '../run.ts';
import { ModelComparer } from './compareModel.ts';
import { declareInputs } from './declareInputs.ts';
import { layerInput, layerOutput } from './layerTensors.ts';
import { layersOf } from './modelPlan.ts';
import type { ModelLayer, ModelPlan, ModelSegment } from './modelPlan.ts';
import type { ModelComparison, ModelRunReport } from './modelReport.ts';
import { openSession, requireOrt } from './ort.ts';
import type { Ort, Session } from './ort.ts';
import type { TypedTensor } from './typedTensor.ts';

type Tensors = Map<string, TypedTensor>;

export interface ModelRunResult {
  readonly report: ModelRunReport;
  /** By the names that the model gives them. */
  readonly outputs: ReadonlyMap<string, TypedTensor>;
  /** Everything that passed between segments and layers, by name: what the client saw. */
  readonly activations: ReadonlyMap<string, TypedTensor>;
  /** In the order of the report's layers. */
  readonly layers: readonly RunResult[];
  /** Milliseconds that the client spent in the segments. */
  readonly segmentMs: number;
}

export interface ModelRunOptions {
  /** For each layer, as `RunOptions` has it. */
  readonly weightMemoryBytes?: number;
  /** Keep keys, weights and sub-models for the next input; otherwise one layer is in memory at a time. */
  readonly keep?: boolean;
  /** Leave out the run of the whole model in the clear; layers are compared all the same. */
  readonly compareOutputs?: boolean;
  readonly onProgress?: (step: string, done: number, total: number) => void;
}

export interface ModelSignal {
  /** Aborts between two steps of a layer, and between segments. */
  readonly signal?: AbortSignal;
}

/** A client and a server of a compiled model. */
export class ModelRunner implements AsyncDisposableHandle {
  readonly #ort: Ort;
  readonly #plan: ModelPlan;
  readonly #options: ModelRunOptions;
  readonly #runners = new Map<ModelLayer, Runner>();
  readonly #sessions = new Map<ModelSegment, Session>();
  #isDisposed = false;

  private constructor(ort: Ort, plan: ModelPlan, options: ModelRunOptions) {
    this.#ort = ort;
    this.#plan = plan;
    this.#options = options;
  }

  /** @throws CipherconvError `unsupported` where onnxruntime-web is not installed. */
  static async open(plan: ModelPlan, options: ModelRunOptions = {}): Promise<ModelRunner> {
    return new ModelRunner(await requireOrt(), plan, options);
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
    const comparison = this.#options.compareOutputs === false ? null : await this.#compare(inputs, tensors);
    return {
      report: this.#report(results, comparison),
      outputs,
      activations: tensors,
      layers: results,
      segmentMs,
    };
  }

  async dispose(): Promise<void> {
    this.#isDisposed = true;
    for (const runner of this.#runners.values()) runner.dispose();
    this.#runners.clear();
    const sessions = [...this.#sessions.values()];
    this.#sessions.clear();
    for (const session of sessions) await session.release();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  #announce(step: string, done: number, total: number): void {
    this.#options.onProgress?.(step, done, total);
  }

  async #runSegment(segment: ModelSegment, tensors: Tensors): Promise<void> {
    const kept = this.#sessions.get(segment);
    const session =
      kept ??
      (await openSession(
        this.#ort,
        declareInputs(segment, tensors),
        'a part of the model',
        this.#plan.arithmetic,
      ));
    try {
      for (const [name, tensor] of await session.run(tensors)) tensors.set(name, tensor);
    } finally {
      if (this.#options.keep === true) this.#sessions.set(segment, session);
      else await session.release();
    }
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

  async #compare(inputs: ReadonlyMap<string, TypedTensor>, tensors: Tensors): Promise<ModelComparison> {
    this.#announce('compare', 0, 1);
    return new ModelComparer(this.#ort, this.#plan).compare(inputs, tensors);
  }

  #report(results: readonly RunResult[], comparison: ModelComparison | null): ModelRunReport {
    const layers = layersOf(this.#plan).map(({ name }, index) => ({ name, ...results[index]!.report }));
    const isEqual = comparison === null || comparison.kind === 'layers-only' || comparison.mismatches === 0;
    return {
      match: layers.every(({ match }) => match) && isEqual,
      layers,
      rounds: this.#plan.rounds.length,
      comparison,
    };
  }
}

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
