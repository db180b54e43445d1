import { describeNode } from './attributes.ts';
import { bodyContents } from './bodies.ts';
import type { AttributeProto, GraphProto, ModelProto, NodeProto } from '../proto/onnx_pb.ts';
import { malformed, quoted, unsupported } from '../refusal.ts';
import type { GraphNode } from '../types.ts';

/** Versions of the standard operators that are known: older ones broadcast in another way, newer ones may mean anything. */
const OLDEST_OPSET = 6;
const NEWEST_OPSET = 26;

/** "ai.onnx" is another name of the standard domain. */
function domainOf(domain: string): string {
  return domain === 'ai.onnx' ? '' : domain;
}

/**
 * Versions by domain.
 * @throws CipherconvError `malformed-model` for a domain with two versions, `unsupported` for a version that is not known.
 */
export function readOpsets(proto: ModelProto, file: string): ReadonlyMap<string, number> {
  const opsets = new Map<string, number>();
  for (const { domain, version } of proto.opsetImport) {
    const name = domainOf(domain);
    const known = opsets.get(name);
    if (known !== undefined && known !== Number(version)) {
      throw malformed({
        where: file,
        message: `opset_import names domain ${quoted(name)} twice, with two versions`,
        found: `${known} and ${version}`,
      });
    }
    opsets.set(name, Number(version));
  }
  const version = opsets.get('');
  if (version !== undefined && (version < OLDEST_OPSET || version > NEWEST_OPSET)) {
    throw unsupported({
      where: file,
      message: `not supported yet: opset ${version}`,
      expected: `opset ${OLDEST_OPSET} to ${NEWEST_OPSET} of the standard operators`,
      found: String(version),
      hint: 'convert the model with onnx.version_converter',
    });
  }
  return opsets;
}

/** @param index position in the graph */
export function toGraphNode(proto: NodeProto, index: number, file = 'the graph'): GraphNode {
  const contents = bodyContents(proto, file);
  return {
    index,
    name: [proto.name, ...proto.output].find((text) => text !== '') ?? proto.opType,
    op: proto.opType,
    domain: domainOf(proto.domain),
    inputs: proto.input,
    captured: contents.captured,
    inner: contents.nodes,
    outputs: proto.output,
    attributes: new Map(proto.attribute.map((attribute) => [attribute.name, attribute])),
  };
}

/** Nodes with names of their own. @throws CipherconvError `malformed-model`, or as `bodyContents`. */
function readNodes(graph: GraphProto, file: string): GraphNode[] {
  const used = new Set<string>();
  return graph.node.map((proto, index) => {
    const plain = toGraphNode(proto, index, file);
    let { name } = plain;
    while (used.has(name)) name += `#${index}`;
    used.add(name);
    return { ...plain, name, attributes: readAttributes(proto, name, file) };
  });
}

function readAttributes(proto: NodeProto, name: string, file: string): ReadonlyMap<string, AttributeProto> {
  const attributes = new Map(proto.attribute.map((attribute) => [attribute.name, attribute] as const));
  if (attributes.size === proto.attribute.length) return attributes;
  throw malformed({ where: file, message: `node ${quoted(name)} has an attribute twice` });
}

function requireUnique(names: readonly string[], what: string, file: string): void {
  const seen = new Set<string>();
  for (const name of names) {
    if (name === '') throw malformed({ where: file, message: `${what} without a name` });
    if (seen.has(name)) throw malformed({ where: file, message: `${what} ${quoted(name)} is there twice` });
    seen.add(name);
  }
}

/** What gives every tensor its value: null for inputs and initializers, else the node. */
function producersOf(
  graph: GraphProto,
  nodes: readonly GraphNode[],
  file: string,
): Map<string, GraphNode | null> {
  const producers = new Map<string, GraphNode | null>();
  for (const { name } of graph.input) producers.set(name, null);
  for (const { name } of graph.initializer) producers.set(name, null);
  for (const node of nodes) {
    for (const output of node.outputs) {
      if (output === '') continue;
      const other = producers.get(output);
      if (other !== undefined) {
        throw malformed({
          where: file,
          message: `tensor ${quoted(output)} is made twice`,
          expected: 'every name once',
          found: `${describeNode(node)} and ${other === null ? 'an input or initializer' : describeNode(other)}`,
        });
      }
      producers.set(output, node);
    }
  }
  return producers;
}

/**
 * The nodes in topological order; those that are in order already stay in theirs.
 * @throws CipherconvError `malformed-model` for cycles, missing inputs or initializers and names that are there twice,
 * `unsupported` for sparse initializers
 */
export function orderedNodes(graph: GraphProto, file: string): GraphNode[] {
  requireUnique(
    graph.input.map(({ name }) => name),
    'graph input',
    file,
  );
  requireUnique(
    graph.initializer.map(({ name }) => name),
    'initializer',
    file,
  );
  requireUnique(
    graph.output.map(({ name }) => name),
    'graph output',
    file,
  );
  if (graph.sparseInitializer.length > 0)
    throw unsupported({ where: file, message: 'not supported yet: sparse initializers' });
  const nodes = readNodes(graph, file);
  const producers = producersOf(graph, nodes, file);
  const missing = (name: string, who: string): never => {
    throw malformed({
      where: file,
      message: `tensor ${quoted(name)} is missing`,
      expected: 'an initializer, a graph input, or a node that makes it',
      found: `nothing makes it, but ${who} needs it`,
    });
  };
  for (const { name } of graph.output) if (!producers.has(name)) missing(name, 'the list of outputs');
  return sortNodes(nodes, producers, missing, file);
}

function sortNodes(
  nodes: readonly GraphNode[],
  producers: ReadonlyMap<string, GraphNode | null>,
  missing: (name: string, who: string) => never,
  file: string,
): GraphNode[] {
  const waiting = new Map<GraphNode, number>();
  const consumers = new Map<GraphNode, GraphNode[]>();
  for (const node of nodes) {
    const sources = new Set<GraphNode>();
    for (const input of [...node.inputs, ...node.captured]) {
      if (input === '') continue;
      const producer = producers.get(input);
      if (producer === undefined) missing(input, describeNode(node));
      else if (producer !== null) sources.add(producer);
    }
    waiting.set(node, sources.size);
    for (const source of sources) {
      const list = consumers.get(source);
      if (list === undefined) consumers.set(source, [node]);
      else list.push(node);
    }
  }
  return drain(nodes, waiting, consumers, file);
}

/** Kahn's algorithm. */
function drain(
  nodes: readonly GraphNode[],
  waiting: Map<GraphNode, number>,
  consumers: ReadonlyMap<GraphNode, readonly GraphNode[]>,
  file: string,
): GraphNode[] {
  const ordered: GraphNode[] = [];
  const ready = nodes.filter((node) => waiting.get(node) === 0).reverse();
  for (let node = ready.pop(); node !== undefined; node = ready.pop()) {
    ordered.push(node);
    const released: GraphNode[] = [];
    for (const consumer of consumers.get(node) ?? []) {
      const left = (waiting.get(consumer) ?? 0) - 1;
      waiting.set(consumer, left);
      if (left === 0) released.push(consumer);
    }
    for (const consumer of released.reverse()) ready.push(consumer);
  }
  if (ordered.length === nodes.length) return isSorted(nodes, ordered) ? [...nodes] : ordered;
  const stuck = nodes.filter((node) => (waiting.get(node) ?? 0) > 0);
  throw malformed({
    where: file,
    message: 'the graph has a cycle',
    expected: 'nodes that can be put in an order',
    found: `a cycle through or before ${stuck.slice(0, 3).map(describeNode).join(', ')}${stuck.length > 3 ? ' ...' : ''}`,
  });
}

/** Whether the model's own order will do: every node behind those that it needs. */
function isSorted(nodes: readonly GraphNode[], all: readonly GraphNode[]): boolean {
  const made = new Set(all.flatMap(({ outputs }) => outputs));
  for (const { inputs, captured, outputs } of nodes) {
    if ([...inputs, ...captured].some((input) => input !== '' && made.has(input))) return false;
    for (const output of outputs) made.delete(output);
  }
  return true;
}
