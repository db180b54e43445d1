import type { ModelProto, NodeProto } from '../frontend/onnx/onnx_pb.ts';

/**
 * Cuts a graph at tensors. Every tensor has a level: the number of rounds with the server that it takes to know it.
 *
 *   level(graph input) = 0     level(output of a layer) = level(its input) + 1     else the highest level of a node's inputs
 *
 * Segment k computes what has level k; what does not depend on any input has no level and is copied to where it is
 * needed.
 *
 * onnxruntime computes in integers only where it sees QuantizeLinear and DequantizeLinear around a node, and it rewrites
 * such pairs by their neighbours: a segment must show it what the whole graph shows. So DequantizeLinear is copied to where
 * it is needed; and where it is all that follows a QuantizeLinear, that node is copied as well (`requantized`).
 */

/** A layer, as far as cutting needs to know it. */
export interface Cut {
  /** The tensor that goes into the layer. */
  readonly input: string;
  /** The tensor that comes out. */
  readonly output: string;
}

/** What the client computes in one go. */
export interface Segment {
  /** Names of tensors, sorted. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Positions of its nodes in the graph, ascending. */
  readonly nodes: readonly number[];
  /** Inputs that come out of a QuantizeLinear and DequantizeLinear pair, and go through a copy of it here. */
  readonly requantized: readonly RequantizedTensor[];
}

export interface RequantizedTensor {
  readonly tensor: string;
  /** Positions of the pair's nodes. */
  readonly quantize: number;
  readonly dequantize: number;
}

export interface Cutting {
  /** segments[k] is computed before round k; null when there is nothing to compute. */
  readonly segments: readonly (Segment | null)[];
  /** rounds[k]: positions of the cuts whose inputs segment k completes. */
  readonly rounds: readonly (readonly number[])[];
}

/** Level of what depends on no input. */
const CONSTANT = -1;

class Levels {
  readonly #nodes: readonly NodeProto[];
  readonly #producers: ReadonlyMap<string, number>;
  readonly #levels = new Map<string, number>();

  constructor(
    model: ModelProto,
    inputs: readonly string[],
    cuts: readonly Cut[],
    producers: ReadonlyMap<string, number>,
  ) {
    this.#nodes = model.graph?.node ?? [];
    this.#producers = producers;
    for (const name of inputs) this.#levels.set(name, 0);
    const open = new Map(cuts.map((cut) => [cut.output, cut]));
    this.#resolve(
      cuts.map(({ output }) => output),
      open,
    );
  }

  of(tensor: string): number {
    return this.#levels.get(tensor) ?? this.#resolve([tensor], new Map()).get(tensor) ?? CONSTANT;
  }

  /** Without recursion: graphs may be deep. The importer has refused cycles. */
  #resolve(wanted: readonly string[], cuts: ReadonlyMap<string, Cut>): Map<string, number> {
    const stack = [...wanted];
    for (let tensor = stack.at(-1); tensor !== undefined; tensor = stack.at(-1)) {
      if (this.#levels.has(tensor)) {
        stack.pop();
        continue;
      }
      const cut = cuts.get(tensor);
      const sources = cut === undefined ? this.#inputsOf(tensor) : [cut.input];
      const unknown = sources.filter((source) => !this.#levels.has(source));
      if (unknown.length > 0) {
        stack.push(...unknown);
        continue;
      }
      const highest = Math.max(CONSTANT, ...sources.map((source) => this.#levels.get(source) ?? CONSTANT));
      this.#levels.set(tensor, cut === undefined ? highest : Math.max(highest, 0) + 1);
      stack.pop();
    }
    return this.#levels;
  }

  #inputsOf(tensor: string): string[] {
    const producer = this.#producers.get(tensor);
    if (producer === undefined) return [];
    return (this.#nodes[producer]?.input ?? []).filter((name) => name !== '');
  }
}

/** Nodes and cut tensors of one segment while it grows. */
class Growing {
  readonly inputs = new Set<string>();
  readonly outputs = new Set<string>();
  readonly nodes = new Set<number>();
  readonly requantized = new Map<string, RequantizedTensor>();
}

/**
 * @param inputs graph inputs that are not constant
 * @param outputs tensors that the client wants in the end
 */
export function cutGraph(
  model: ModelProto,
  inputs: readonly string[],
  outputs: readonly string[],
  cuts: readonly Cut[],
): Cutting {
  const nodes = model.graph?.node ?? [];
  const producers = new Map(
    nodes.flatMap(({ output }, index) => output.map((name) => [name, index] as const)),
  );
  const levels = new Levels(model, inputs, cuts, producers);
  const given = new Set([...inputs, ...cuts.map(({ output }) => output)]);
  const targets = [...outputs, ...cuts.map(({ input }) => input)];
  const last = targets.reduce((highest, tensor) => Math.max(highest, levels.of(tensor)), 0);
  const growing = Array.from({ length: last + 1 }, () => new Growing());
  const want = (tensor: string): void => {
    if (!given.has(tensor)) growing[Math.max(0, levels.of(tensor))]?.outputs.add(tensor);
  };
  targets.forEach(want);
  const uses = countUses(nodes, outputs);
  /** The pair that makes a tensor, where nothing else reads what is between its nodes. */
  const pairOf = (tensor: string, dequantize: number): RequantizedTensor | null => {
    const between = nodes[dequantize]?.input[0] ?? '';
    const quantize = producers.get(between);
    if (quantize === undefined || given.has(between) || uses.get(between) !== 1) return null;
    return nodes[quantize]?.opType === 'QuantizeLinear' ? { tensor, quantize, dequantize } : null;
  };
  for (let level = last; level >= 0; level--) {
    const segment = growing[level]!;
    const stack = [...segment.outputs];
    for (let tensor = stack.pop(); tensor !== undefined; tensor = stack.pop()) {
      const producer = producers.get(tensor);
      const own = levels.of(tensor) === level || levels.of(tensor) === CONSTANT;
      const dequantized = producer !== undefined && nodes[producer]?.opType === 'DequantizeLinear';
      const pair = dequantized && !own ? pairOf(tensor, producer) : null;
      if (given.has(tensor) || pair !== null || (!own && !dequantized)) {
        segment.inputs.add(tensor);
        want(tensor);
        if (pair !== null && !given.has(tensor)) segment.requantized.set(tensor, pair);
      } else if (producer !== undefined && !segment.nodes.has(producer)) {
        segment.nodes.add(producer);
        stack.push(...(nodes[producer]?.input ?? []).filter((name) => name !== ''));
      }
    }
  }
  const segments = growing.map((segment) =>
    segment.outputs.size === 0
      ? null
      : {
          inputs: [...segment.inputs].sort(),
          outputs: [...segment.outputs].sort(),
          nodes: [...segment.nodes].sort((left, right) => left - right),
          requantized: [...segment.requantized.values()].sort((a, b) => a.dequantize - b.dequantize),
        },
  );
  const roundOf = (cut: Cut): number => Math.max(0, levels.of(cut.input));
  const rounds = Array.from({ length: last }, (_, round) =>
    cuts.flatMap((cut, index) => (roundOf(cut) === round ? [index] : [])),
  );
  return { segments, rounds };
}

/** How often each tensor is read, as an output of the graph too. */
function countUses(nodes: readonly NodeProto[], outputs: readonly string[]): Map<string, number> {
  const uses = new Map<string, number>();
  for (const name of [...nodes.flatMap(({ input }) => input), ...outputs]) {
    uses.set(name, (uses.get(name) ?? 0) + 1);
  }
  return uses;
}
