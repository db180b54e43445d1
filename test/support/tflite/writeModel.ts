import type {
  FixedPointNode,
  FixedPointOperation,
  FixedPointTensor,
  FusedActivation,
  OperatorName,
  Pair,
} from '../../../src/interpreter/fixedPoint/node.ts';
import { encodeFlatbuffer, flag, float32, int32, int8 } from './flatbuffer.ts';
import type { Field, Node, ScalarType } from './flatbuffer.ts';

/** Writes .tflite files for tests, from the same description of a graph that the interpreter takes. */

export interface WrittenTensor extends FixedPointTensor {
  readonly name: string;
  /** Values of a constant; null for an activation. */
  readonly data: readonly number[] | null;
}

export interface WrittenModel {
  readonly tensors: readonly WrittenTensor[];
  readonly nodes: readonly FixedPointNode[];
  /** Names of tensors. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

type FileOperator = Exclude<OperatorName, 'REQUANTIZE'>;

/** TensorType. */
const TYPES: Partial<
  Record<FixedPointTensor['type'], readonly [code: number, as: ScalarType, width: number]>
> = {
  float32: [0, 'float32', 4],
  int32: [2, 'int32', 4],
  uint8: [3, 'uint8', 1],
  int64: [4, 'int64', 8],
  bool: [6, 'uint8', 1],
  int16: [7, 'int16', 2],
  int8: [9, 'int8', 1],
};

const ACTIVATIONS: readonly FusedActivation[] = ['NONE', 'RELU', 'RELU_N1_TO_1', 'RELU6'];

/** BuiltinOperator, and the number of its table among the options; 0 for none. */
const CODES: Readonly<Record<FileOperator, readonly [code: number, options: number]>> = {
  ADD: [0, 11],
  AVERAGE_POOL_2D: [1, 5],
  CONCATENATION: [2, 10],
  CONV_2D: [3, 1],
  DEPTHWISE_CONV_2D: [4, 2],
  DEQUANTIZE: [6, 38],
  FULLY_CONNECTED: [9, 8],
  LOGISTIC: [14, 0],
  MAX_POOL_2D: [17, 5],
  MUL: [18, 21],
  RELU: [19, 0],
  RELU_N1_TO_1: [20, 0],
  RELU6: [21, 0],
  RESHAPE: [22, 17],
  SOFTMAX: [25, 9],
  PAD: [34, 22],
  TRANSPOSE: [39, 26],
  MEAN: [40, 27],
  SUB: [41, 28],
  SQUEEZE: [43, 30],
  STRIDED_SLICE: [45, 32],
  PADV2: [60, 43],
  TRANSPOSE_CONV: [67, 49],
  LEAKY_RELU: [98, 75],
  QUANTIZE: [114, 89],
  RELU_0_TO_1: [152, 0],
};

const activation = (name: FusedActivation): Field => int8(ACTIVATIONS.indexOf(name));
const window = ({ padding, strides }: { padding: string; strides: Pair }): Record<number, Field> => ({
  0: int8(padding === 'SAME' ? 0 : 1),
  1: int32(strides[1]),
  2: int32(strides[0]),
});
const biasType = (type: 'int32' | null): Field | null => (type === null ? null : int8(2));

function fieldsOf(operation: FixedPointOperation): Record<number, Field | null> {
  switch (operation.op) {
    case 'CONV_2D':
      return {
        ...window(operation),
        3: activation(operation.activation),
        4: int32(operation.dilations[1]),
        5: int32(operation.dilations[0]),
        6: biasType(operation.biasType),
      };
    case 'DEPTHWISE_CONV_2D':
      return {
        ...window(operation),
        3: int32(1),
        4: activation(operation.activation),
        5: int32(operation.dilations[1]),
        6: int32(operation.dilations[0]),
      };
    case 'TRANSPOSE_CONV':
      return { ...window(operation), 3: activation(operation.activation) };
    case 'FULLY_CONNECTED':
      return { 0: activation(operation.activation), 4: biasType(operation.biasType) };
    case 'AVERAGE_POOL_2D':
    case 'MAX_POOL_2D':
      return {
        ...window(operation),
        3: int32(operation.window[1]),
        4: int32(operation.window[0]),
        5: activation(operation.activation),
      };
    case 'ADD':
    case 'SUB':
    case 'MUL':
      return { 0: activation(operation.activation) };
    case 'CONCATENATION':
      return { 0: int32(operation.axis), 1: activation(operation.activation) };
    case 'MEAN':
      return { 0: flag(operation.keepDims) };
    case 'SOFTMAX':
      return { 0: float32(operation.beta) };
    case 'LEAKY_RELU':
      return { 0: float32(operation.alpha) };
    case 'STRIDED_SLICE':
      return {
        0: int32(operation.beginMask),
        1: int32(operation.endMask),
        2: int32(operation.ellipsisMask),
        3: int32(operation.newAxisMask),
        4: int32(operation.shrinkAxisMask),
      };
    default:
      return {};
  }
}

function codeOf({ op }: FixedPointOperation): readonly [code: number, options: number] {
  if (op !== 'REQUANTIZE') return CODES[op];
  throw new Error('no file has REQUANTIZE');
}

function bytesOf({ name, type, data }: WrittenTensor): Uint8Array {
  const [, as, width] = TYPES[type] ?? [];
  if (as === undefined || width === undefined || data === null)
    throw new Error(`${name}: no constant of ${type}`);
  const view = new DataView(new ArrayBuffer(data.length * width));
  data.forEach((value, index) => {
    const at = index * width;
    if (as === 'int64') view.setBigInt64(at, BigInt(value), true);
    else if (as === 'float32') view.setFloat32(at, value, true);
    else if (width === 4) view.setInt32(at, value, true);
    else if (width === 2) view.setInt16(at, value, true);
    else view.setInt8(at, value);
  });
  return new Uint8Array(view.buffer);
}

/** The file of a model. Buffer 0 is the empty one, as converters write it. */
export function writeTflite({ tensors, nodes, inputs, outputs }: WrittenModel): Uint8Array {
  const numberOf = (name: string): number => {
    if (name === '') return -1;
    const number = tensors.findIndex((tensor) => tensor.name === name);
    if (number < 0) throw new Error(`no tensor ${name}`);
    return number;
  };
  const list = (names: readonly string[]): Node => ({ vector: 'int32', values: names.map(numberOf) });
  const buffers: Node[] = [{ table: {} }];
  const written = tensors.map((tensor): Node => {
    const { name, type, shape, scales, zeroPoints, axis, data } = tensor;
    if (data !== null) buffers.push({ table: { 0: { bytes: bytesOf(tensor) } } });
    const quantization: Node = {
      table: {
        2: { vector: 'float32', values: scales },
        3: { vector: 'int64', values: zeroPoints },
        6: int32(axis),
      },
    };
    return {
      table: {
        0: { vector: 'int32', values: shape },
        1: int8(TYPES[type]?.[0] ?? -1),
        2: { as: 'uint32', value: data === null ? 0 : buffers.length - 1 },
        3: { text: name },
        4: scales.length === 0 ? null : quantization,
      },
    };
  });
  const codes = [...new Set(nodes.map(({ operation }) => codeOf(operation)[0]))];
  const operators = nodes.map(({ operation, inputs: reads, outputs: makes }): Node => {
    const [code, options] = codeOf(operation);
    return {
      table: {
        0: { as: 'uint32', value: codes.indexOf(code) },
        1: list(reads),
        2: list(makes),
        3: options === 0 ? null : { as: 'uint8', value: options },
        4: options === 0 ? null : { table: fieldsOf(operation) },
      },
    };
  });
  const subgraph: Node = {
    table: {
      0: { nodes: written },
      1: list(inputs),
      2: list(outputs),
      3: { nodes: operators },
      4: { text: 'main' },
    },
  };
  const model: Node = {
    table: {
      0: { as: 'uint32', value: 3 },
      1: {
        nodes: codes.map((code) => ({
          table: { 0: int8(Math.min(code, 127)), 2: int32(1), 3: int32(code) },
        })),
      },
      2: { nodes: [subgraph] },
      4: { nodes: buffers },
    },
  };
  return encodeFlatbuffer(model, 'TFL3');
}
