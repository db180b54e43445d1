import { datatypeRange } from '../../../compiler/base/interval.ts';
import { findLayers, refuseFloats } from './layers/findLayers.ts';
import type { Readers } from './layers/followUp.ts';
import { Extents } from './graph/extents.ts';
import { Branches } from './graph/branches.ts';
import { Centring } from './graph/centred.ts';
import { writeOutComposed } from './graph/composed.ts';
import type { ExternalReader } from './proto/externalReader.ts';
import { widenHalves } from './graph/widened.ts';
import { orderedNodes, readOpsets } from './graph/graph.ts';
import { MAX_FOLDED_ELEMENTS, MAX_MODEL_BYTES, MAX_READ_ELEMENTS } from './limits.ts';
import { FreshNames } from './proto/freshNames.ts';
import type { GraphProto } from './proto/onnx_pb.ts';
import { readModelProto } from './proto/readProto.ts';
import { unsupported } from './refusal.ts';
import type { GraphState } from './graph/state.ts';
import type { GraphNode, ImportOptions } from './types.ts';
import type { GraphValue } from '../imported/types.ts';
import type { ImportedModel } from '../imported/model.ts';
import {
  checkedBindings,
  checkedInputQuantization,
  declaredInputsOf,
  readInitializers,
  statedValue,
} from './graph/values.ts';
import type { DeclaredInput } from './graph/values.ts';
import { setConstant, visit } from './operators/walk.ts';
import type { Visited } from './operators/walk.ts';

/** What a model says of its inputs; the rest is not looked at. @throws CipherconvError as `importOnnx` does. */
export function declaredInputs(bytes: Uint8Array, file: string): readonly DeclaredInput[] {
  if (bytes.length > MAX_MODEL_BYTES) throw tooLarge(file, bytes.length);
  return declaredInputsOf(readModelProto(bytes, file).graph, file);
}

/** @param size of the model, bytes */
export function tooLarge(file: string, size: number): Error {
  return unsupported({
    where: file,
    message: 'not supported yet: models of this size',
    expected: `at most ${MAX_MODEL_BYTES} bytes`,
    found: `${size} bytes`,
    hint: 'store the initializers as external data',
  });
}

/**
 * `importOnnx` of bytes: without files of its own, so that it runs in a browser too.
 * @param external reads what a model keeps beside it
 */
export function importModelWith(
  bytes: Uint8Array,
  options: ImportOptions,
  external: ExternalReader,
): ImportedModel {
  const file = options.file ?? 'model';
  if (bytes.length > MAX_MODEL_BYTES) throw tooLarge(file, bytes.length);
  const { proto, graph } = readModelProto(bytes, file);
  const opsets = readOpsets(proto, file);
  widenHalves(graph, file);
  writeOutComposed(graph);
  const nodes = orderedNodes(graph, file);
  const extents = new Extents(options.extents);
  const { state, inputs } = initialState(graph, opsets.get('') ?? 0, extents, { ...options, external, file });
  const declared = new Map<string, GraphValue>();
  // Sequences within the graph are some node's own business.
  const inner = graph.valueInfo.filter(({ type }) => type?.value.case === 'tensorType');
  for (const info of [...inner, ...graph.output])
    declared.set(info.name, statedValue(info, extents, false, file));
  for (const [name, value] of options.observed ?? []) declared.set(name, value);
  extents.requireUse(file);
  const visited = visitAll(graph, nodes, state, declared);
  const found = findLayers(visited, state, readersOf(visited, graph), options);
  refuseFloats(found, file);
  return {
    file,
    name: graph.name,
    inputs,
    outputs: graph.output.map(({ name }) => state.values.get(name) ?? { name, type: null, shape: null }),
    values: state.values,
    constants: state.constants,
    layers: found.layers,
    openLayers: found.openLayers,
    unsupported: found.unsupported,
    assumed: extents.known,
    openExtents: extents.open,
    source: {
      format: 'onnx',
      opsets,
      proto,
      nodes: visited.filter(({ folded }) => !folded).map(({ node }) => node),
      quantized: state.quantized,
    },
  };
}

function initialState(
  graph: GraphProto,
  opset: number,
  extents: Extents,
  {
    external,
    file,
    ...options
  }: ImportOptions & { readonly external: ExternalReader; readonly file: string },
): { readonly state: GraphState; readonly inputs: readonly GraphValue[] } {
  const initializers = readInitializers(graph, external, file);
  const names = new Set(graph.initializer.map(({ name }) => name));
  // An initializer wins over a graph input of the same name: it is that input's default, and always used.
  const open = graph.input
    .filter(({ name }) => !names.has(name))
    .map((info) => statedValue(info, extents, true, file));
  const bind = checkedBindings(options.bind, open);
  const inputs = open.filter(({ name }) => !bind.has(name));
  const state: GraphState = {
    file,
    opset,
    constants: new Map(),
    openExtents: extents.open,
    graphInputs: new Set(inputs.map(({ name }) => name)),
    values: new Map(inputs.map((value) => [value.name, value])),
    quantized: new Map(),
    wholes: new Map(),
    bounds: new Map(),
    offGrid: new Map(),
    unshaped: new Map(),
    integersOf: new Map(),
    constantRanges: new Map(),
    centred: new Map(),
    foldable: MAX_FOLDED_ELEMENTS,
    readable: MAX_READ_ELEMENTS,
    fractions: new Set(),
  };
  for (const [name, tensor] of [...initializers, ...bind]) setConstant(state, name, tensor);
  for (const [name, { bits, signed, scale, zeroPoint }] of checkedInputQuantization(
    options.inputQuantization,
    inputs,
  )) {
    const range = datatypeRange(bits, signed);
    const affine = { scales: [Math.fround(scale)], zeroPoints: [zeroPoint], axis: null };
    state.quantized.set(name, { ...affine, range, source: null, integers: null });
  }
  return { state, inputs };
}

/** All nodes in order, with those that are put before or instead of one. */
function visitAll(
  graph: GraphProto,
  nodes: readonly GraphNode[],
  state: GraphState,
  declared: ReadonlyMap<string, GraphValue>,
): readonly Visited[] {
  const names = new FreshNames(graph);
  const [centring, branches] = [new Centring(graph, state, names), new Branches(graph, state, names)];
  const visitOne = (node: GraphNode): readonly Visited[] => {
    const branch = branches.taken(node);
    if (branch === null) return [...centring.before(node), node].map((next) => visit(next, state, declared));
    for (const [name, tensor] of branch.found) setConstant(state, name, tensor);
    return branch.nodes.flatMap(visitOne);
  };
  return nodes.flatMap(visitOne);
}

function readersOf(visited: readonly Visited[], graph: GraphProto): Readers {
  const nodes = new Map<string, GraphNode[]>();
  for (const { node, folded } of visited) {
    if (folded) continue;
    for (const input of new Set([...node.inputs, ...node.captured])) {
      const list = nodes.get(input);
      if (list === undefined) nodes.set(input, [node]);
      else list.push(node);
    }
  }
  return { nodes, outputs: new Set(graph.output.map(({ name }) => name)) };
}
