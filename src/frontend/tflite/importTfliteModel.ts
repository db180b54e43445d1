import { elementCount } from '../../../compiler/base/tensor.ts';
import { checkFixedPointNode } from '../../interpreter/fixedPoint/check.ts';
import type { FixedPointNode, FixedPointTensor } from '../../interpreter/fixedPoint/node.ts';
import type { DenseTensor } from '../../interpreter/values.ts';
import type { ImportedModel } from '../imported/model.ts';
import type { GraphValue, ImportedLayer, UnsupportedNode } from '../imported/types.ts';
import { malformed, quoted, unsupported } from '../onnx/refusal.ts';
import { constantsOf } from './constants.ts';
import { isLinear, layerOf, NotEncrypted } from './layers.ts';
import type { Tensors } from './layers.ts';
import { MAX_ACTIVATION_ELEMENTS, MAX_LAYER_WEIGHTS } from './limits.ts';
import { operationOf } from './operations.ts';
import { readTflite } from './readTflite.ts';
import type { TfliteFile, TfliteOperator, TfliteTensor } from './readTflite.ts';
import type { TfliteOptions } from './types.ts';
import { refusingAt } from './refusing.ts';

/** `importTflite` of bytes: it reads no file, so that it runs in a browser too. */
export function importTfliteModel(
  bytes: Uint8Array,
  { file = 'model', rounding = 'double' }: TfliteOptions = {},
): ImportedModel {
  const read = readTflite(bytes, file);
  const constants = constantsOf(read);
  const tensors = new Map(read.tensors.map((tensor) => [tensor.name, fixedPointTensor(tensor)] as const));
  const nodes = read.operators.map((operator) => nodeOf(read, operator));
  checkFlow(read, nodes, constants);
  for (const node of nodes)
    refusingAt(placeOf(file, node), node.name, () => {
      checkFixedPointNode(node, tensors, constants, rounding);
    });
  const found = findLayers(nodes, { tensors, constants }, file);
  const valueOf = (index: number): GraphValue => {
    const { name, type, shape } = read.tensors[index]!;
    return { name, type, shape };
  };
  return {
    file,
    name: read.name === '' ? 'main' : read.name,
    inputs: read.inputs.map(valueOf),
    outputs: read.outputs.map(valueOf),
    values: new Map(read.tensors.map(({ name, type, shape }) => [name, { name, type, shape }])),
    constants,
    layers: found.layers,
    openLayers: [],
    unsupported: found.unsupported,
    assumed: new Map(),
    openExtents: [],
    source: {
      format: 'tflite',
      rounding,
      nodes,
      clientNodes: found.clientNodes,
      tensors: new Map([...tensors, ...found.accumulators]),
    },
  };
}

function placeOf(file: string, { name, operation }: FixedPointNode): string {
  return `${file}: ${operation.op} ${quoted(name)}`;
}

function fixedPointTensor({ type, shape, scales, zeroPoints, axis }: TfliteTensor): FixedPointTensor {
  return { type, shape, scales, zeroPoints, axis };
}

/** An operator of the file, named after the tensor that it makes. */
function nodeOf({ file, tensors }: TfliteFile, operator: TfliteOperator): FixedPointNode {
  const nameOf = (index: number): string => {
    if (index === -1) return '';
    const tensor = tensors[index];
    if (tensor !== undefined) return tensor.name;
    throw malformed({
      where: file,
      message: `${operator.op} names a tensor that does not exist`,
      expected: `one of ${tensors.length} tensors, or -1`,
      found: String(index),
    });
  };
  const outputs = operator.outputs.map(nameOf);
  const name = outputs.find((output) => output !== '') ?? operator.op;
  const operation = refusingAt(`${file}: ${operator.op} ${quoted(name)}`, name, () => operationOf(operator));
  return { name, operation, inputs: operator.inputs.map(nameOf), outputs };
}

/** Operators stand in the order in which they run: every tensor is made once, and before it is read. */
function checkFlow(
  { file, tensors, inputs, outputs }: TfliteFile,
  nodes: readonly FixedPointNode[],
  constants: ReadonlyMap<string, DenseTensor>,
): void {
  const known = new Set(constants.keys());
  const port = (index: number, what: string): string => {
    const tensor = tensors[index];
    if (tensor !== undefined) return tensor.name;
    throw malformed({
      where: file,
      message: `${what} of the model is a tensor that does not exist`,
      expected: `one of ${tensors.length} tensors`,
      found: String(index),
    });
  };
  const make = (name: string, where: string): void => {
    if (known.has(name)) throw malformed({ where, message: `the tensor ${quoted(name)} is made twice` });
    known.add(name);
  };
  const need = (name: string, where: string): void => {
    if (!known.has(name))
      throw malformed({ where, message: `the tensor ${quoted(name)} is read before anything makes it` });
  };
  for (const index of inputs) make(port(index, 'an input'), file);
  for (const node of nodes) {
    const where = placeOf(file, node);
    for (const name of node.inputs) if (name !== '') need(name, where);
    for (const name of node.outputs) if (name !== '') make(name, where);
  }
  if (outputs.length === 0) throw malformed({ where: file, message: 'the model has no output' });
  for (const index of outputs) need(port(index, 'an output'), file);
  const elements = tensors.reduce(
    (sum, { data, shape }) => sum + (data === null ? elementCount(shape) : 0),
    0,
  );
  if (elements > MAX_ACTIVATION_ELEMENTS)
    throw unsupported({
      where: file,
      message: 'not supported yet: models whose tensors are this large',
      expected: `at most ${MAX_ACTIVATION_ELEMENTS} elements in all`,
      found: String(elements),
    });
}

interface Found {
  readonly layers: readonly ImportedLayer[];
  readonly unsupported: readonly UnsupportedNode[];
  readonly clientNodes: readonly FixedPointNode[];
  readonly accumulators: readonly (readonly [string, FixedPointTensor])[];
}

/** Linear operators with constant weights become layers; the others stay with the client, and it is said why. */
function findLayers(nodes: readonly FixedPointNode[], known: Tensors, file: string): Found {
  const layers: ImportedLayer[] = [];
  const refused: UnsupportedNode[] = [];
  const accumulators: (readonly [string, FixedPointTensor])[] = [];
  let weights = 0;
  const clientNodes = nodes.map((node) => {
    if (!isLinear(node)) return node;
    try {
      const { layer, client, accumulator } = layerOf(node, known);
      layers.push(layer);
      accumulators.push([layer.output.tensor, accumulator]);
      weights += layer.spec.weights.values.length;
      if (weights > MAX_LAYER_WEIGHTS)
        throw unsupported({
          where: file,
          message: 'not supported yet: models with so many weights',
          expected: `at most ${MAX_LAYER_WEIGHTS}`,
        });
      return client;
    } catch (error) {
      if (!(error instanceof NotEncrypted)) throw error;
      refused.push({ name: node.name, op: node.operation.op, reason: error.message, kind: 'linear' });
      return node;
    }
  });
  return { layers, unsupported: refused, clientNodes, accumulators };
}
