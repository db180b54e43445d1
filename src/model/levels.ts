/** A layer, as far as cutting needs to know it. */
export interface Cut {
  /** The tensor that goes into the layer. */
  readonly input: string;
  /** The tensor that comes out. */
  readonly output: string;
}

/** Level of what depends on no input. */
export const CONSTANT = -1;

/** A node, as far as cutting needs to know it. */
export interface FlowNode {
  /** Names of the tensors that it reads. */
  readonly reads: readonly string[];
  /** Names of the tensors that it makes. */
  readonly makes: readonly string[];
  /** Whether it is computed in every segment that needs what it makes. */
  readonly isCopied: boolean;
}

/** The graph as far as tensors flow through it. */
export interface Flow {
  readonly nodes: readonly FlowNode[];
  /** Position of the node that makes a tensor. */
  readonly producers: ReadonlyMap<string, number>;
  /** Graph inputs that are not constant. */
  readonly inputs: readonly string[];
  readonly cuts: readonly Cut[];
}

/** How many rounds with the server it takes to know a tensor. */
export class Levels {
  readonly #flow: Flow;
  readonly #levels = new Map<string, number>();

  constructor(flow: Flow) {
    this.#flow = flow;
    for (const name of flow.inputs) this.#levels.set(name, 0);
    const open = new Map(flow.cuts.map((cut) => [cut.output, cut]));
    this.#resolve([...open.keys()], open);
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

  #inputsOf(tensor: string): readonly string[] {
    const producer = this.#flow.producers.get(tensor);
    if (producer === undefined) return [];
    return this.#flow.nodes[producer]!.reads;
  }
}
