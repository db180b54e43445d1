import { CipherconvError, internalError } from '../../compiler/base/errors.ts';
import type { ClearGraph } from './clearGraph.ts';
import { openClearGraph } from './openClearGraph.ts';
import type { LayerCut, ModelFlow, ModelPort, ModelSegment } from './modelFlow.ts';
import { fromDense, toDense } from './typedTensor.ts';
import type { TypedTensor } from './typedTensor.ts';

/** Tensors by the names that they have in the model's graph. */
export type NamedTensors = ReadonlyMap<string, TypedTensor>;

/** How the parts of a model are computed. */
export interface FlowHandlers<Layer extends LayerCut> {
  /** The output of a layer from its input tensor. Layers of one round do not wait for each other. */
  readonly round: (
    layers: readonly Layer[],
    take: (name: string) => TypedTensor,
  ) => Promise<readonly TypedTensor[]>;
  /** Called before segment `index` is computed, from 0. */
  readonly onSegment?: (index: number) => void;
  /** Aborts between two parts. */
  readonly signal?: AbortSignal | undefined;
}

/** The sub-models of a model, read when they are first needed and kept. */
export class ClearSegments {
  readonly #graphs = new Map<ModelSegment, ClearGraph>();
  readonly #keep: boolean;

  /** @param keep whether a sub-model stays in memory for the next input */
  constructor(keep: boolean) {
    this.#keep = keep;
  }

  /**
   * The tensors that a segment makes.
   * @throws CipherconvError `unsupported` naming a node that nothing computes
   */
  async run(segment: ModelSegment, take: (name: string) => TypedTensor): Promise<NamedTensors> {
    const graph = this.#graphs.get(segment) ?? openClearGraph(segment.model, segment.inputs);
    if (this.#keep) this.#graphs.set(segment, graph);
    const given = segment.inputs.map((name) => [name, toDense(take(name), name)] as const);
    const made = await graph.run(new Map(given), segment.outputs);
    return new Map([...made].map(([name, tensor]) => [name, fromDense(tensor, name)] as const));
  }

  clear(): void {
    this.#graphs.clear();
  }
}

/** What one run of a model made. */
export interface FlowResult {
  /** By the names that the model gives them. */
  readonly outputs: NamedTensors;
  /** Everything that passed between segments and layers, by name: what the client saw. */
  readonly activations: NamedTensors;
  /** Milliseconds that the segments took. */
  readonly segmentMs: number;
}

/**
 * Runs a model: segments in the clear, here; rounds of layers by whoever computes them.
 * @param inputs by name, of the types and shapes that the model declares
 * @throws CipherconvError `shape-mismatch` for inputs that the model does not take; the signal's reason when it aborts.
 */
export async function runFlow<Layer extends LayerCut>(
  flow: ModelFlow<Layer>,
  inputs: NamedTensors,
  segments: ClearSegments,
  { round: runRound, onSegment, signal }: FlowHandlers<Layer>,
): Promise<FlowResult> {
  checkInputs(flow.inputs, inputs);
  const tensors = new Map(inputs);
  const take = (name: string): TypedTensor => takeTensor(tensors, name);
  let segmentMs = 0;
  for (const [index, segment] of flow.segments.entries()) {
    signal?.throwIfAborted();
    if (segment !== null) {
      onSegment?.(index);
      const start = performance.now();
      for (const [name, tensor] of await segments.run(segment, take)) tensors.set(name, tensor);
      segmentMs += performance.now() - start;
    }
    const layers = flow.rounds[index] ?? [];
    if (layers.length === 0) continue;
    signal?.throwIfAborted();
    const results = await runRound(layers, take);
    layers.forEach(({ output }, position) => tensors.set(output.tensor, results[position]!));
  }
  const outputs = new Map(flow.outputs.map(({ name }) => [name, take(name)] as const));
  return { outputs, activations: tensors, segmentMs };
}

/** @throws CipherconvError `internal` for a tensor that nothing made. */
function takeTensor(tensors: NamedTensors, name: string): TypedTensor {
  const tensor = tensors.get(name);
  if (tensor === undefined) throw internalError(`the tensor ${name} is missing`);
  return tensor;
}

function checkInputs(ports: readonly ModelPort[], inputs: NamedTensors): void {
  for (const { name, type, shape } of ports) {
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
