import { EXTERNAL } from '../proto/codes.ts';
import { GraphProtoSchema } from '../proto/onnx_pb.ts';
import type { GraphProto, NodeProto } from '../proto/onnx_pb.ts';
import { readProto } from '../proto/readProto.ts';
import type { InnerNode } from '../types.ts';
import { malformed, quoted, unsupported } from '../refusal.ts';

/**
 * Sub-graphs of a node (If, Loop, Scan). They are kept as bytes: a node with bodies runs in the clear, as one. What has to
 * be known of them are the tensors of the graph around them that they read by name.
 */

/** Bodies within bodies: more is no honest model. */
const MAX_DEPTH = 16;

/** What stands in the bodies of a node, bodies within them counted. */
export interface BodyContents {
  /** Tensors of the graph around that are read by name. */
  readonly captured: readonly string[];
  /** All nodes, but those with bodies of their own. */
  readonly nodes: readonly InnerNode[];
}

const NONE: BodyContents = Object.freeze({ captured: [], nodes: [] });

/** Decoded once for each node: cutting, ordering and running all ask. */
const KNOWN = new WeakMap<NodeProto, BodyContents>();

/** The bytes of a node's bodies. */
export function bodyBytes(node: NodeProto): readonly Uint8Array[] {
  return node.attribute.flatMap(({ g, graphs }) => [...(g.length > 0 ? [g] : []), ...graphs]);
}

/** @throws CipherconvError `malformed-model` for bytes that are no graph, `unsupported` for external data in one. */
export function bodyContents(node: NodeProto, file: string, depth = 0): BodyContents {
  const known = KNOWN.get(node);
  if (known !== undefined) return known;
  const bytes = bodyBytes(node);
  if (bytes.length === 0) return NONE;
  if (depth === MAX_DEPTH) {
    throw unsupported({
      where: file,
      message: 'not supported yet: sub-graphs this deep within each other',
      expected: `at most ${MAX_DEPTH}`,
    });
  }
  const contents = bytes.map((body) => contentsOf(readBody(body, node, file), file, depth + 1));
  const made = {
    captured: [...new Set(contents.flatMap(({ captured }) => captured))],
    nodes: contents.flatMap(({ nodes }) => nodes),
  };
  KNOWN.set(node, made);
  return made;
}

/** One body, decoded and checked. @throws CipherconvError as `bodyContents`. */
export function readBody(bytes: Uint8Array, { opType, name }: NodeProto, file: string): GraphProto {
  const place = `${file}: ${opType} ${quoted(name)}`;
  const body = readProto(GraphProtoSchema, bytes, place, 'a sub-graph');
  if (body.initializer.some(({ dataLocation }) => dataLocation === EXTERNAL))
    throw unsupported({ where: place, message: 'not supported yet: external data in a sub-graph' });
  if (body.sparseInitializer.length > 0)
    throw unsupported({ where: place, message: 'not supported yet: sparse initializers' });
  if (body.node.some(({ output }) => output.length === 0))
    throw malformed({ where: place, message: 'a node without outputs' });
  return body;
}

function contentsOf(body: GraphProto, file: string, depth: number): BodyContents {
  const own = new Set([
    ...body.input.map(({ name }) => name),
    ...body.initializer.map(({ name }) => name),
    ...body.node.flatMap(({ output }) => output),
  ]);
  const captured = new Set<string>();
  const nodes: InnerNode[] = [];
  const read = (name: string): void => {
    if (name !== '' && !own.has(name)) captured.add(name);
  };
  for (const node of body.node) {
    const inner = bodyContents(node, file, depth);
    [...node.input, ...inner.captured].forEach(read);
    nodes.push(...(inner === NONE ? [innerNode(node)] : inner.nodes));
  }
  for (const { name } of body.output) read(name);
  return { captured: [...captured], nodes };
}

function innerNode({ name, output, opType, domain }: NodeProto): InnerNode {
  return {
    name: [name, ...output].find((text) => text !== '') ?? opType,
    op: opType,
    domain: domain === 'ai.onnx' ? '' : domain,
  };
}

/** Everything that a node reads: its inputs, and what its bodies take from the graph around them. */
export function readsOf(node: NodeProto): readonly string[] {
  const { captured } = bodyContents(node, 'the graph');
  return captured.length === 0 ? node.input : [...node.input, ...captured];
}
