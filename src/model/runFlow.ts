import { CipherconvError, internalError } from '../../compiler/base/errors.ts';
import type { Meter } from '../interpreter/meter.ts';
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
  /** What the segments may take where the model is from elsewhere; null: it is one's own. */
  readonly meter: Meter | null;
  /** Whether every tensor that passes between parts is kept to the end; otherwise until its last reader has it. */
  readonly keepsActivations: boolean;
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
   * @throws CipherconvError `unsupported` naming a node that nothing computes, or that takes more than `meter` allows
   */
  async run(
    segment: ModelSegment,
    take: (name: string) => TypedTensor,
    meter: Meter | null,
  ): Promise<NamedTensors> {
    const graph = this.#graphs.get(segment) ?? openClearGraph(segment.model, segment.inputs);
    if (this.#keep) this.#graphs.set(segment, graph);
    const given = segment.inputs.map((name) => [name, toDense(take(name), name)] as const);
    const made = await graph.run(new Map(given), segment.outputs, { meter });
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
  /** What passed between segments and layers, by name, as far as it was kept: what the client saw. */
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
  { round: runRound, onSegment, meter, keepsActivations, signal }: FlowHandlers<Layer>,
): Promise<FlowResult> {
  checkInputs(flow.inputs, inputs);
  const tensors = new PassingTensors(meter);
  const take = (name: string): TypedTensor => tensors.take(name);
  for (const [name, tensor] of inputs) tensors.put(name, tensor);
  const readers = keepsActivations ? null : lastReaders(flow);
  let segmentMs = 0;
  for (const [index, segment] of flow.segments.entries()) {
    signal?.throwIfAborted();
    if (segment !== null) {
      onSegment?.(index);
      const start = performance.now();
      for (const [name, tensor] of await segments.run(segment, take, meter)) tensors.put(name, tensor);
      segmentMs += performance.now() - start;
    }
    const layers = flow.rounds[index] ?? [];
    if (layers.length > 0) {
      signal?.throwIfAborted();
      const results = await runRound(layers, take);
      layers.forEach(({ output }, position) => {
        tensors.put(output.tensor, results[position]!);
      });
    }
    for (const name of readers?.get(index) ?? []) tensors.drop(name);
  }
  const outputs = new Map(flow.outputs.map(({ name }) => [name, take(name)] as const));
  return { outputs, activations: tensors.all, segmentMs };
}

/** By the position of the segment and round that are the last to read them: tensors, but for the model's outputs. */
function lastReaders(flow: ModelFlow<LayerCut>): Map<number, string[]> {
  const last = new Map<string, number>();
  for (const [index, segment] of flow.segments.entries()) {
    for (const name of segment?.inputs ?? []) last.set(name, index);
    for (const { input } of flow.rounds[index] ?? []) last.set(input.tensor, index);
  }
  for (const { name } of flow.outputs) last.delete(name);
  const readers = new Map<number, string[]>();
  for (const [name, index] of last) readers.set(index, [...(readers.get(index) ?? []), name]);
  return readers;
}

/** What passes between the parts, and what it holds. */
class PassingTensors {
  readonly all = new Map<string, TypedTensor>();
  readonly #meter: Meter | null;

  constructor(meter: Meter | null) {
    this.#meter = meter;
  }

  put(name: string, tensor: TypedTensor): void {
    this.drop(name);
    this.all.set(name, tensor);
    this.#meter?.keep(tensor.data.byteLength);
  }

  drop(name: string): void {
    this.#meter?.keep(-(this.all.get(name)?.data.byteLength ?? 0));
    this.all.delete(name);
  }

  /** @throws CipherconvError `internal` for a tensor that nothing made. */
  take(name: string): TypedTensor {
    const tensor = this.all.get(name);
    if (tensor === undefined) throw internalError(`the tensor ${name} is missing`);
    return tensor;
  }
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
