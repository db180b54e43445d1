import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { datatypeRange } from '../../../compiler/base/interval.ts';
import { longWork } from '../../../runtime/longWork.ts';
import { displayName, readBytes, STANDARD_STREAM } from '../files.ts';
import { describeNode } from './graph/attributes.ts';
import { averagePoolLayer, isAveragePool } from './layers/averagePool.ts';
import type { Readers } from './layers/followUp.ts';
import { Extents } from './graph/extents.ts';
import { Centring } from './graph/centred.ts';
import { writeOutComposed } from './graph/composed.ts';
import { orderedNodes, readOpsets } from './graph/graph.ts';
import { integerLayer, openLayer } from './layers/integerLinear.ts';
import { MAX_FOLDED_ELEMENTS, MAX_LAYER_WEIGHTS, MAX_MODEL_BYTES, MAX_READ_ELEMENTS } from './limits.ts';
import { floatLayer } from './layers/linear.ts';
import type { GraphProto } from './proto/onnx_pb.ts';
import { NotALayer, OpenOperands } from './layers/operands.ts';
import { readModelProto } from './proto/readProto.ts';
import { unsupported } from './refusal.ts';
import type { GraphState } from './graph/state.ts';
import type {
  GraphNode,
  GraphValue,
  ImportedLayer,
  ImportedModel,
  ImportOptions,
  OpenLayer,
  UnsupportedNode,
} from './types.ts';
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

/**
 * Imports a quantized ONNX model: its graph, checked and folded, and every linear layer as a convolution. Loads neither
 * SEAL nor onnxruntime.
 * @param source the bytes of a model, or its path (`-` for stdin)
 * @throws CipherconvError `unreadable`; `malformed-model` for what is no model or contradicts itself; `unsupported` for
 * control flow, sizes past the limits, and models of floats only (the first float layer is named)
 */
export async function importOnnx(
  source: Uint8Array | string,
  options: ImportOptions = {},
): Promise<ImportedModel> {
  if (typeof source !== 'string') return importModel(source, options);
  const folder = source === STANDARD_STREAM ? {} : { folder: dirname(source) };
  const bytes = await readModel(source);
  return longWork(() => importModel(bytes, { file: displayName(source), ...folder, ...options }));
}

/** What a model says of its inputs; the rest is not looked at. @throws CipherconvError as `importOnnx` does. */
export function declaredInputs(bytes: Uint8Array, file: string): readonly DeclaredInput[] {
  if (bytes.length > MAX_MODEL_BYTES) throw tooLarge(file, bytes.length);
  return declaredInputsOf(readModelProto(bytes, file).graph, file);
}

/** The bytes of a file, if they are not too many. */
export async function readModel(path: string): Promise<Uint8Array> {
  if (path !== STANDARD_STREAM) {
    const size = await stat(path).then(
      (found) => (found.isFile() ? found.size : 0),
      () => 0,
    );
    if (size > MAX_MODEL_BYTES) throw tooLarge(path, size);
  }
  return readBytes(path);
}

function tooLarge(file: string, size: number): Error {
  return unsupported({
    where: file,
    message: 'not supported yet: models of this size',
    expected: `at most ${MAX_MODEL_BYTES} bytes`,
    found: `${size} bytes`,
    hint: 'store the initializers as external data',
  });
}

/** `importOnnx` of bytes. */
export function importModel(bytes: Uint8Array, options: ImportOptions = {}): ImportedModel {
  const file = options.file ?? 'model';
  if (bytes.length > MAX_MODEL_BYTES) throw tooLarge(file, bytes.length);
  const { proto, graph } = readModelProto(bytes, file);
  const opsets = readOpsets(proto, file);
  writeOutComposed(graph);
  const nodes = orderedNodes(graph, file);
  const extents = new Extents(options.extents);
  const { state, inputs } = initialState(graph, opsets.get('') ?? 0, extents, options, file);
  const declared = new Map<string, GraphValue>();
  for (const info of [...graph.valueInfo, ...graph.output])
    declared.set(info.name, statedValue(info, extents, false, file));
  extents.requireUse(file);
  const centring = new Centring(graph, state);
  const visited = nodes.flatMap((node) =>
    [...centring.before(node), node].map((next) => visit(next, state, declared)),
  );
  const found = findLayers(visited, state, readersOf(visited, graph), options);
  refuseFloats(found, file);
  return {
    file,
    name: graph.name,
    opsets,
    proto,
    inputs,
    outputs: graph.output.map(({ name }) => state.values.get(name) ?? { name, type: null, shape: null }),
    values: state.values,
    constants: state.constants,
    nodes: visited.filter(({ folded }) => !folded).map(({ node }) => node),
    layers: found.layers,
    openLayers: found.openLayers,
    unsupported: found.unsupported,
    assumed: extents.known,
    openExtents: extents.open,
  };
}

function initialState(
  graph: GraphProto,
  opset: number,
  extents: Extents,
  options: ImportOptions,
  file: string,
): { readonly state: GraphState; readonly inputs: readonly GraphValue[] } {
  const initializers = readInitializers(graph, options.folder ?? null, file);
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

function readersOf(visited: readonly Visited[], graph: GraphProto): Readers {
  const nodes = new Map<string, GraphNode[]>();
  for (const { node, folded } of visited) {
    if (folded) continue;
    for (const input of new Set(node.inputs)) {
      const list = nodes.get(input);
      if (list === undefined) nodes.set(input, [node]);
      else list.push(node);
    }
  }
  return { nodes, outputs: new Set(graph.output.map(({ name }) => name)) };
}

interface Found {
  readonly layers: ImportedLayer[];
  readonly openLayers: OpenLayer[];
  readonly unsupported: UnsupportedNode[];
  /** The first linear node whose operands are floats. */
  firstFloat: UnsupportedNode | null;
  /** Whether a linear node works on integers, layer or not. */
  hasIntegers: boolean;
  /** Of all layers. */
  weights: number;
}

const FLOAT_OPERATORS = new Set(['Conv', 'ConvTranspose', 'MatMul', 'Gemm']);
const INTEGER_OPERATORS = new Set(['ConvInteger', 'MatMulInteger', 'QLinearConv', 'QLinearMatMul']);

function isIntegerOperator({ op, domain }: GraphNode): boolean {
  return domain === '' ? INTEGER_OPERATORS.has(op) : domain === 'com.microsoft' && op === 'QGemm';
}

function findLayers(
  visited: readonly Visited[],
  state: GraphState,
  readers: Readers,
  { averagePools = 'clear' }: ImportOptions,
): Found {
  const found: Found = {
    layers: [],
    openLayers: [],
    unsupported: [],
    firstFloat: null,
    hasIntegers: false,
    weights: 0,
  };
  for (const { node, folded, known } of visited) {
    if (folded) continue;
    if (found.weights > MAX_LAYER_WEIGHTS) throw tooManyWeights(state.file);
    const isFloat = FLOAT_OPERATORS.has(node.op) && node.domain === '';
    const isInteger = isIntegerOperator(node);
    const view = { node, state };
    if (isFloat)
      collect(
        node,
        found,
        () => floatLayer(view, readers),
        (names) => openLayer(view, names),
      );
    else if (isInteger) {
      found.hasIntegers = true;
      collect(
        node,
        found,
        () => integerLayer(view),
        (names) => openLayer(view, names),
      );
    } else if (averagePools === 'encrypted' && isAveragePool(node))
      collect(
        node,
        found,
        () => averagePoolLayer(view, readers),
        (names) => openLayer(view, names),
      );
    else if (!known) found.unsupported.push(refusedNode(node, 'operator', 'this operator is not known'));
  }
  return found;
}

function tooManyWeights(file: string): Error {
  return unsupported({
    where: file,
    message: 'not supported yet: models with so many weights',
    expected: `at most ${MAX_LAYER_WEIGHTS}, those of a shared initializer counted for each layer`,
  });
}

function refusedNode(node: GraphNode, kind: UnsupportedNode['kind'], reason: string): UnsupportedNode {
  const op = node.domain === '' ? node.op : `${node.domain}.${node.op}`;
  return { name: node.name, op, kind, reason };
}

/** Makes a layer, or an open one, or notes why neither can be. */
function collect(
  node: GraphNode,
  found: Found,
  layer: () => ImportedLayer,
  openOne: (names: readonly string[]) => OpenLayer,
): void {
  try {
    try {
      const made = layer();
      found.layers.push(made);
      found.weights += made.spec.weights.values.length;
    } catch (error) {
      if (!(error instanceof OpenOperands)) throw error;
      found.openLayers.push(openOne(error.names));
    }
  } catch (error) {
    if (!(error instanceof NotALayer)) throw error;
    const refused = refusedNode(node, 'linear', error.message);
    found.unsupported.push(refused);
    if (error.kind === 'float') found.firstFloat ??= refused;
  }
}

/** A model of floats only: nothing in it is integer arithmetic, so there is nothing to encrypt exactly. */
function refuseFloats({ layers, openLayers, firstFloat, hasIntegers }: Found, file: string): void {
  if (firstFloat === null || hasIntegers || layers.length > 0 || openLayers.length > 0) return;
  throw unsupported({
    where: file,
    message: 'the model is not quantized: none of its linear layers works on integers',
    expected:
      'integer convolutions or matrix products, or float ones between QuantizeLinear and DequantizeLinear or Quant',
    found: `the first float layer is ${describeNode({ ...firstFloat, domain: '' })}: ${firstFloat.reason}`,
    hint:
      'quantize it statically to 8 bits (onnxruntime.quantization.quantize_static, format QDQ or QOperator), or train it ' +
      'with fewer bits (Brevitas) and export it to QONNX',
  });
}
