import { fromBinary } from '@bufbuild/protobuf';
import { CipherconvError, internalError } from '../../compiler/base/errors.ts';
import { orderedNodes } from '../frontend/onnx/graph/graph.ts';
import { readInitializers, unreadInitializers } from '../frontend/onnx/graph/values.ts';
import { noExternalData } from '../frontend/onnx/proto/externalReader.ts';
import { stepsOf } from '../frontend/onnx/operators/steps.ts';
import { ModelProtoSchema } from '../frontend/onnx/proto/onnx_pb.ts';
import type { ModelProto, NodeProto } from '../frontend/onnx/proto/onnx_pb.ts';
import { quoted } from '../frontend/onnx/refusal.ts';
import type { OnnxTensor } from '../frontend/onnx/types.ts';
import { interpret } from '../interpreter/interpreter.ts';
import type { Outside, Step } from '../interpreter/interpreter.ts';
import type { ClearGraph, GraphRun, Tensors } from './clearGraph.ts';
import type { OnnxClearModel } from './clearModel.ts';
import { runByOnnxruntime } from './oneNode.ts';
import { untypedValue } from './protoParts.ts';
import { standardOpset } from './quantNodes.ts';

/**
 * An ONNX graph, computed by the interpreter. A node whose operator, attributes or types the interpreter does not compute is
 * run by onnxruntime-web, alone, where that is installed.
 */
export class OnnxGraph implements ClearGraph {
  readonly #proto: ModelProto;
  readonly #constants: Tensors;
  /** Types of initializers that are not read, by name. */
  readonly #unread: ReadonlyMap<string, string>;
  /** All nodes, in topological order. */
  readonly steps: readonly Step[];
  readonly #nodes = new Map<Step, NodeProto>();

  /** @param inputs names of tensors that are given at run time, where the model does not declare them */
  constructor({ bytes }: OnnxClearModel, inputs: readonly string[]) {
    this.#proto = fromBinary(ModelProtoSchema, bytes);
    const { graph } = this.#proto;
    if (graph === undefined) throw internalError('a model without a graph');
    const declared = new Set(graph.input.map(({ name }) => name));
    graph.input.push(...inputs.filter((name) => !declared.has(name)).map(untypedValue));
    const nodes = orderedNodes(graph, 'the graph');
    this.#constants = readInitializers(graph, noExternalData, 'the graph');
    this.#unread = unreadInitializers(graph);
    this.steps = stepsOf(nodes, standardOpset(this.#proto), 'the graph');
    nodes.forEach(({ index }, position) => this.#nodes.set(this.steps[position]!, graph.node[index]!));
  }

  get model(): ModelProto {
    return this.#proto;
  }

  async run(
    given: Tensors,
    wanted: readonly string[],
    { replaced = [], meter = null }: GraphRun = {},
  ): Promise<Map<string, OnnxTensor>> {
    const all = new Map([...this.#constants, ...given]);
    const outside: Outside = (step, inputs) => {
      const node = this.#nodes.get(step);
      if (node === undefined) throw internalError(`no node for ${step.name}`);
      return runByOnnxruntime(this.#proto, node, step, inputs);
    };
    return interpret(this.#withSteps(replaced), all, wanted, {
      outside,
      meter,
      whyMissing: (name) => this.#whyMissing(name),
    });
  }

  /** An initializer may be of any type as long as nobody needs it. */
  #whyMissing(name: string): CipherconvError | null {
    const type = this.#unread.get(name);
    if (type === undefined) return null;
    return new CipherconvError({
      code: 'unsupported',
      where: `initializer ${quoted(name)}`,
      message: `element type ${type} not supported yet`,
      expected: 'integers, floats of 16, 32 or 64 bits, or bool',
    });
  }

  /** Each new step stands where the one stood that made its output. */
  #withSteps(replaced: readonly Step[]): readonly Step[] {
    if (replaced.length === 0) return this.steps;
    const byOutput = new Map(replaced.flatMap((step) => step.outputs.map((name) => [name, step] as const)));
    return this.steps.map((step) => {
      const other = step.outputs.map((name) => byOutput.get(name)).find((found) => found !== undefined);
      return other ?? step;
    });
  }
}
