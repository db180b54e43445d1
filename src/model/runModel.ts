import { disposedError } from '../../compiler/base/errors.ts';
import type { AsyncDisposableHandle } from '../../runtime/disposable.ts';
import { publicSeedOf } from '../frontend/planDigest.ts';
import { openRunner } from '../run.ts';
import type { Runner, RunResult, RunStep } from '../run.ts';
import type { JudgeMode } from '../sealJudge.ts';
import { openClearGraph } from './openClearGraph.ts';
import { compareNetwork } from './compareModel.ts';
import { layerInput, layerOutput } from './layerTensors.ts';
import { layersOf } from './modelFlow.ts';
import type { ModelLayer, JoinedModel } from './modelPlan.ts';
import { ClearSegments, runFlow } from './runFlow.ts';
import type { NamedTensors } from './runFlow.ts';
import type { ModelComparison, ModelRunReport } from './modelReport.ts';
import { runtimeStatistic } from './statistic.ts';
import type { StatisticResult } from './statistic.ts';
import type { TypedTensor } from './typedTensor.ts';

/** What one run of a model gave. */
export interface ModelRunResult {
  /** What `run --json` prints. */
  readonly report: ModelRunReport;
  /** Why the report has no statistic; null where it has one. */
  readonly statisticReason: string | null;
  /** By the names that the model gives them. */
  readonly outputs: NamedTensors;
  /** Everything that passed between segments and layers, by name: what the client saw. */
  readonly activations: NamedTensors;
  /** In the order of the report's layers. */
  readonly layers: readonly RunResult[];
  /** Milliseconds that the client spent in the segments. */
  readonly segmentMs: number;
}

/** How a model runs and whom it tells; everything has a default. */
export interface ModelRunOptions {
  /** For each layer, as `RunOptions` has it. */
  readonly weightMemoryBytes?: number;
  /** What SEAL is asked of every layer, as `RunOptions` has it. Default `decrypt`, because words take as long as the run again. */
  readonly judge?: JudgeMode;
  /** Keep keys, weights and sub-models for the next input; otherwise one layer is in memory at a time. */
  readonly keep?: boolean;
  /** Hints of layers by the digests of their plans, as `onHintMade` gave them; the others are computed. */
  readonly hints?: ReadonlyMap<string, Uint8Array>;
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
  readonly #plan: JoinedModel;
  readonly #options: ModelRunOptions;
  readonly #runners = new Map<ModelLayer, Runner>();
  readonly #segments: ClearSegments;
  #isDisposed = false;

  private constructor(plan: JoinedModel, options: ModelRunOptions) {
    this.#plan = plan;
    this.#options = options;
    this.#segments = new ClearSegments(options.keep === true);
  }

  /** A runner of the plan; the caller disposes of it. */
  static open(plan: JoinedModel, options: ModelRunOptions = {}): Promise<ModelRunner> {
    return Promise.resolve(new ModelRunner(plan, options));
  }

  /**
   * Runs the model: segments in the clear on the client, every layer encrypted on the server.
   * @param inputs by name, of the types and shapes that the model declares
   * @throws CipherconvError `shape-mismatch` or `out-of-range` for inputs that the model does not take; the signal's
   * reason when it aborts.
   */
  async run(inputs: NamedTensors, { signal }: ModelSignal = {}): Promise<ModelRunResult> {
    if (this.#isDisposed) throw disposedError('model runner');
    const results: RunResult[] = [];
    const { outputs, activations, segmentMs } = await runFlow(this.#plan, inputs, this.#segments, {
      signal,
      meter: null,
      keepsActivations: true,
      onSegment: (index) => {
        this.#announce(`segment ${index + 1}`, 0, 1);
      },
      // One after the other: one layer's keys and weights are in memory at a time.
      round: async (layers, take) => {
        const made: TypedTensor[] = [];
        for (const layer of layers) {
          const result = await this.#runLayer(layer, take(layer.input.tensor), signal);
          results.push(result);
          made.push(layerOutput(layer, layer.stored.plan.spec.bias, result.output));
        }
        return made;
      },
    });
    const check = await this.#check(inputs, outputs);
    return {
      report: this.#report(results, check),
      statisticReason: check.reason,
      outputs,
      activations,
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

  async #runLayer(
    layer: ModelLayer,
    tensor: TypedTensor,
    signal: AbortSignal | undefined,
  ): Promise<RunResult> {
    const aborting = signal === undefined ? {} : { signal };
    const input = layerInput(layer, layer.stored.plan.spec, tensor);
    const runner = this.#runners.get(layer) ?? (await this.#openRunner(layer, aborting));
    try {
      return await runner.run(input, aborting);
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
    const { judge = 'decrypt', hints } = this.#options;
    const known = hints?.get(layer.stored.digest);
    const hint = known === undefined ? {} : { hint: { publicSeed: publicSeedOf(layer.stored), hint: known } };
    return openRunner(layer.stored.plan, { judge, ...memory, ...hint, ...aborting, onProgress });
  }

  /** The run beside the whole network in the clear: what decides, and what a runtime says. */
  async #check(inputs: NamedTensors, outputs: NamedTensors): Promise<Check> {
    if (this.#options.compareOutputs === false)
      return { comparison: null, statistic: null, reason: 'that was not asked for' };
    const { network: whole } = this.#plan;
    if (whole === null) {
      const reason =
        'the two files of a model hold no whole network; without --client-plan, compile keeps it';
      return { comparison: null, statistic: null, reason };
    }
    this.#announce('compare', 0, 1);
    const network = openClearGraph(whole, []);
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

/**
 * Runs a compiled model once: segments in the clear, layers encrypted, everything compared.
 * @param inputs by name, of the types and shapes that the model declares
 * @throws CipherconvError as `ModelRunner` does.
 */
export async function runModel(
  plan: JoinedModel,
  inputs: NamedTensors,
  options: Omit<ModelRunOptions, 'keep'> & ModelSignal = {},
): Promise<ModelRunResult> {
  return (await ModelRunner.open(plan, options)).run(inputs, options);
}
