import { CONSTANT, Levels } from './levels.ts';
import type { Cut, Flow, FlowNode } from './levels.ts';

/**
 * Cuts a graph at tensors. Every tensor has a level: the number of rounds with the server that it takes to know it.
 *
 *   level(graph input) = 0     level(output of a layer) = level(its input) + 1     else the highest level of a node's inputs
 *
 * Segment k computes what has level k; what does not depend on any input has no level and is copied to where it is
 * needed.
 *
 * A node that is copied (a DequantizeLinear) is computed where its floats are needed, so that their integers cross.
 */

/** What the client computes in one go. */
export interface Segment {
  /** Names of tensors, sorted. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Positions of its nodes in the graph, ascending. */
  readonly nodes: readonly number[];
}

export interface Cutting {
  /** segments[k] is computed before round k; null when there is nothing to compute. */
  readonly segments: readonly (Segment | null)[];
  /** rounds[k]: positions of the cuts whose inputs segment k completes. */
  readonly rounds: readonly (readonly number[])[];
}

/** Nodes and cut tensors of one segment while it grows. */
class Growing {
  readonly inputs = new Set<string>();
  readonly outputs = new Set<string>();
  readonly nodes = new Set<number>();

  finish(): Segment | null {
    if (this.outputs.size === 0) return null;
    return {
      inputs: [...this.inputs].sort(),
      outputs: [...this.outputs].sort(),
      nodes: [...this.nodes].sort((left, right) => left - right),
    };
  }
}

/** How a segment comes by a tensor. */
type Source =
  | { readonly kind: 'input' }
  | { readonly kind: 'node'; readonly node: number }
  | { readonly kind: 'initializer' };

class Cutter {
  readonly #flow: Flow;
  readonly #levels: Levels;
  /** Inputs of the graph and outputs of layers: no segment computes them. */
  readonly #given: ReadonlySet<string>;
  readonly #growing: readonly Growing[];

  constructor(flow: Flow, outputs: readonly string[]) {
    this.#flow = flow;
    this.#levels = new Levels(flow);
    this.#given = new Set([...flow.inputs, ...flow.cuts.map(({ output }) => output)]);
    const known = [...outputs, ...flow.cuts.flatMap(({ input, output }) => [input, output])];
    const last = known.reduce((highest, tensor) => Math.max(highest, this.#levels.of(tensor)), 0);
    this.#growing = Array.from({ length: last + 1 }, () => new Growing());
    for (const name of [...outputs, ...flow.cuts.map(({ input }) => input)]) this.#want(name);
    for (let level = last; level >= 0; level--) this.#grow(level);
  }

  cutting(): Cutting {
    const roundOf = ({ input }: Cut): number => Math.max(0, this.#levels.of(input));
    const rounds = Array.from({ length: this.#growing.length - 1 }, (_, round) =>
      this.#flow.cuts.flatMap((cut, index) => (roundOf(cut) === round ? [index] : [])),
    );
    return { segments: this.#growing.map((segment) => segment.finish()), rounds };
  }

  /** Makes the segment of its level compute a tensor. */
  #want(tensor: string): void {
    if (this.#given.has(tensor)) return;
    this.#growing[Math.max(0, this.#levels.of(tensor))]?.outputs.add(tensor);
  }

  /** All that the outputs of a segment need; what others must compute becomes an output of theirs. */
  #grow(level: number): void {
    const segment = this.#growing[level]!;
    const stack = [...segment.outputs];
    for (let tensor = stack.pop(); tensor !== undefined; tensor = stack.pop()) {
      const source = this.#sourceOf(tensor, level);
      switch (source.kind) {
        case 'input':
          segment.inputs.add(tensor);
          this.#want(tensor);
          break;
        case 'node': {
          if (segment.nodes.has(source.node)) break;
          segment.nodes.add(source.node);
          stack.push(...this.#flow.nodes[source.node]!.reads);
          break;
        }
        case 'initializer':
          break;
      }
    }
  }

  #sourceOf(tensor: string, level: number): Source {
    if (this.#given.has(tensor)) return { kind: 'input' };
    const node = this.#flow.producers.get(tensor);
    if (node === undefined) return { kind: 'initializer' };
    const found = this.#levels.of(tensor);
    if (found === level || found === CONSTANT) return { kind: 'node', node };
    return this.#flow.nodes[node]?.isCopied === true ? { kind: 'node', node } : { kind: 'input' };
  }
}

/**
 * @param nodes in topological order
 * @param inputs graph inputs that are not constant
 * @param outputs tensors that the client wants in the end
 */
export function cutGraph(
  nodes: readonly FlowNode[],
  inputs: readonly string[],
  outputs: readonly string[],
  cuts: readonly Cut[],
): Cutting {
  const producers = new Map(nodes.flatMap(({ makes }, index) => makes.map((name) => [name, index] as const)));
  return new Cutter({ nodes, producers, inputs, cuts }, outputs).cutting();
}
