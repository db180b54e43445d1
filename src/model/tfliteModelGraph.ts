import type { ImportedModel } from '../frontend/imported/model.ts';
import type { TfliteSource } from '../frontend/tflite/types.ts';
import type { FixedPointNode } from '../interpreter/fixedPoint/node.ts';
import type { TfliteClearModel } from './clearModel.ts';
import type { Segment } from './cutGraph.ts';
import type { FlowNode } from './levels.ts';
import type { ModelGraph } from './modelGraph.ts';

/** The graph of a TFLite model. Where a layer is cut out, the client's half of the operator stands: REQUANTIZE. */
export class TfliteModelGraph implements ModelGraph {
  readonly #model: ImportedModel;
  readonly #source: TfliteSource;
  readonly nodes: readonly FlowNode[];

  constructor(model: ImportedModel, source: TfliteSource) {
    this.#model = model;
    this.#source = source;
    this.nodes = source.clientNodes.map((node) => ({
      reads: readsOf(node),
      makes: node.outputs,
      // Floats are four times as large as the integers that they come from.
      isCopied: node.operation.op === 'DEQUANTIZE',
    }));
  }

  whole(): TfliteClearModel {
    const { outputs } = this.#model;
    return this.#part(
      this.#source.nodes,
      outputs.map(({ name }) => name),
    );
  }

  segment({ nodes, outputs }: Segment): TfliteClearModel {
    return this.#part(
      nodes.map((index) => this.#source.clientNodes[index]!),
      outputs,
    );
  }

  #part(nodes: readonly FixedPointNode[], outputs: readonly string[]): TfliteClearModel {
    const { constants } = this.#model;
    const { rounding, tensors } = this.#source;
    const named = new Set([...nodes.flatMap((node) => [...node.inputs, ...node.outputs]), ...outputs]);
    const read = new Set([...nodes.flatMap(readsOf), ...outputs]);
    return {
      format: 'tflite',
      rounding,
      nodes,
      tensors: new Map([...tensors].filter(([name]) => named.has(name))),
      // Weights of encrypted layers are named by REQUANTIZE, but not read.
      constants: new Map([...constants].filter(([name]) => read.has(name))),
    };
  }
}

/** Tensors whose values a node needs: of REQUANTIZE the accumulators alone. */
export function readsOf({ operation, inputs }: FixedPointNode): readonly string[] {
  const read = operation.op === 'REQUANTIZE' ? inputs.slice(0, 1) : inputs;
  return read.filter((name) => name !== '');
}
