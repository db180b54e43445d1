import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { ATTRIBUTE } from '../proto/codes.ts';
import type { FreshNames } from '../proto/freshNames.ts';
import { standardNode } from '../proto/nodes.ts';
import { GraphProtoSchema } from '../proto/onnx_pb.ts';
import type { GraphProto, NodeProto } from '../proto/onnx_pb.ts';
import type { GraphNode, OnnxTensor } from '../types.ts';
import { bodyBytes, readBody } from './bodies.ts';
import { writeOutComposed } from './composed.ts';
import { toGraphNode } from './graph.ts';
import type { GraphState } from './state.ts';
import { noExternalData } from '../proto/externalReader.ts';
import { readInitializers } from './values.ts';

/**
 * If nodes whose condition is constant: exporters write them where a rank or a batch decides (torch.squeeze), and a bound input
 * makes others so. The branch that is taken stands in their place, its own names made new, an Identity for each output.
 */
export class Branches {
  readonly #graph: GraphProto;
  readonly #state: GraphState;
  readonly #names: FreshNames;

  constructor(graph: GraphProto, state: GraphState, names: FreshNames) {
    this.#graph = graph;
    this.#state = state;
    this.#names = names;
  }

  /** What stands for a node, in order; null where it stays. New constants are those of `found`. */
  taken(node: GraphNode): { readonly nodes: readonly GraphNode[]; readonly found: Constants } | null {
    const proto = this.#graph.node[node.index];
    const body = proto === undefined ? null : this.#bodyOf(node, proto);
    if (body === null) return null;
    const renamed = this.#renamer(node, body);
    for (const tensor of body.initializer) tensor.name = renamed(tensor.name);
    const found = readInitializers(
      create(GraphProtoSchema, { initializer: body.initializer }),
      noExternalData,
      this.#state.file,
    );
    this.#graph.initializer.push(...body.initializer);
    const inner = body.node.map((one) => renameReads(one, renamed));
    for (const one of inner) one.output = one.output.map(renamed);
    const ends = node.outputs.flatMap((name, index) => {
      const made = body.output[index]?.name ?? '';
      return name === '' || made === '' ? [] : [standardNode('Identity', [renamed(made)], name)];
    });
    return { nodes: this.#placed(node, [...inner, ...ends]), found };
  }

  #bodyOf({ op, domain, inputs, outputs, attributes }: GraphNode, proto: NodeProto): GraphProto | null {
    if (op !== 'If' || domain !== '' || outputs.every((name) => name === '')) return null;
    const condition = this.#state.constants.get(inputs[0] ?? '');
    if (condition?.data.length !== 1) return null;
    const bytes = attributes.get(condition.data[0] === 0 ? 'else_branch' : 'then_branch')?.g;
    if (bytes === undefined || bytes.length === 0) return null;
    const body = readBody(bytes, proto, this.#state.file);
    if (body.input.length > 0 || body.output.length !== outputs.length) return null;
    writeOutComposed(body);
    return body;
  }

  /** New names for what the body makes; all others are those of the graph around it. */
  #renamer(node: GraphNode, body: GraphProto): (name: string) => string {
    const own = [...body.initializer.map(({ name }) => name), ...body.node.flatMap(({ output }) => output)];
    const names = new Map(
      [...new Set(own)]
        .filter((name) => name !== '')
        .map((name) => [name, this.#names.fresh(`${node.name}/${name}`)]),
    );
    return (name) => names.get(name) ?? name;
  }

  /** The first stands where the node stood, the others behind the graph: positions do not move. */
  #placed(node: GraphNode, protos: readonly NodeProto[]): readonly GraphNode[] {
    const first = this.#graph.node.length;
    const last = protos.length - 1;
    this.#graph.node.push(...protos.slice(0, last));
    this.#graph.node[node.index] = protos[last]!;
    return protos.map((proto, position) => {
      const index = position === last ? node.index : first + position;
      const plain = toGraphNode(proto, index, this.#state.file);
      return { ...plain, name: position === last ? node.name : `${node.name}/${plain.name}` };
    });
  }
}

type Constants = ReadonlyMap<string, OnnxTensor>;

/** What a node reads, called by other names; so is what its own bodies take from around them. */
function renameReads(node: NodeProto, renamed: (name: string) => string): NodeProto {
  node.input = node.input.map(renamed);
  if (bodyBytes(node).length === 0) return node;
  const rewritten = (bytes: Uint8Array): Uint8Array => toBinary(GraphProtoSchema, renameBody(bytes, renamed));
  for (const attribute of node.attribute) {
    if (attribute.type === ATTRIBUTE.GRAPH || attribute.g.length > 0) attribute.g = rewritten(attribute.g);
    attribute.graphs = attribute.graphs.map(rewritten);
  }
  return node;
}

function renameBody(bytes: Uint8Array, renamed: (name: string) => string): GraphProto {
  const body = fromBinary(GraphProtoSchema, bytes);
  const own = new Set([
    ...body.input.map(({ name }) => name),
    ...body.initializer.map(({ name }) => name),
    ...body.node.flatMap(({ output }) => output),
  ]);
  const outer = (name: string): string => (own.has(name) ? name : renamed(name));
  body.node = body.node.map((node) => renameReads(node, outer));
  for (const output of body.output) output.name = outer(output.name);
  return body;
}
