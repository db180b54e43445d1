import { create, toBinary } from '@bufbuild/protobuf';
import { internalError } from '../../compiler/base/errors.ts';
import type { ImportedModel } from '../frontend/imported/model.ts';
import { readsOf } from '../frontend/onnx/graph/bodies.ts';
import { GraphProtoSchema, ModelProtoSchema } from '../frontend/onnx/proto/onnx_pb.ts';
import type { GraphProto, ModelProto } from '../frontend/onnx/proto/onnx_pb.ts';
import type { OnnxSource } from '../frontend/onnx/types.ts';
import type { OnnxClearModel } from './clearModel.ts';
import { completeModel } from './completeModel.ts';
import type { Segment } from './cutGraph.ts';
import type { FlowNode } from './levels.ts';
import type { ModelGraph } from './modelGraph.ts';
import { untypedValue } from './protoParts.ts';

/** The graph of an ONNX model; segments are models of their own. */
export class OnnxModelGraph implements ModelGraph {
  readonly #model: ModelProto;
  readonly #graph: GraphProto;
  readonly nodes: readonly FlowNode[];

  constructor(imported: ImportedModel, source: OnnxSource) {
    this.#model = completeModel(imported, source);
    const { graph } = this.#model;
    if (graph === undefined) throw internalError('a model without a graph');
    this.#graph = graph;
    this.nodes = graph.node.map((node) => ({
      reads: readsOf(node).filter((name) => name !== ''),
      makes: node.output,
      // Copied to where its floats are needed, so that their integers cross, which are smaller.
      isCopied: node.opType === 'DequantizeLinear',
    }));
  }

  whole(): OnnxClearModel {
    return { format: 'onnx', bytes: toBinary(ModelProtoSchema, this.#model) };
  }

  /** Its inputs are not declared: their types and shapes are known when they are there. */
  segment({ nodes: indices, outputs }: Segment, name: string): OnnxClearModel {
    const nodes = indices.map((index) => this.#graph.node[index]!);
    const used = new Set([...nodes.flatMap(readsOf), ...outputs]);
    const part = create(ModelProtoSchema, {
      irVersion: this.#model.irVersion,
      producerName: 'cipherconv',
      opsetImport: this.#model.opsetImport,
      graph: create(GraphProtoSchema, {
        name,
        node: nodes,
        initializer: this.#graph.initializer.filter((tensor) => used.has(tensor.name)),
        output: outputs.map(untypedValue),
      }),
    });
    return { format: 'onnx', bytes: toBinary(ModelProtoSchema, part) };
  }
}
