import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeNpyNumbers } from '../../../src/frontend/npy.ts';
import type { ElementType } from '../../../src/frontend/onnx/proto/codes.ts';
import type {
  FixedPointNode,
  FixedPointOperation,
  FixedPointTensor,
  FusedActivation,
  Pair,
  Padding,
} from '../../../src/interpreter/fixedPoint/node.ts';
import { emptyArray } from '../../../src/interpreter/values.ts';
import type { DenseTensor } from '../../../src/interpreter/values.ts';
import { tensorBytes } from './constants.ts';

/** Models with every activation recorded from the reference: a manifest each, which says all but the constants. */

interface ManifestTensor {
  readonly type: ElementType;
  readonly shape: readonly number[];
  readonly const: boolean;
  readonly scale?: readonly number[];
  readonly zero_point?: readonly number[];
  readonly quantized_dimension?: number;
}

interface Recorded {
  readonly sha256: string;
  readonly file: string;
  /** "same", or the digest of what the single-rounding build makes. */
  readonly sha256_single_rounding?: string;
}

type OptionValue = string | number | boolean | null | readonly number[];

interface ManifestOperator {
  readonly index: number;
  readonly op: string;
  readonly options?: Readonly<Record<string, OptionValue>>;
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  readonly derived?: Readonly<Record<string, number | readonly number[]>>;
}

export interface Manifest {
  readonly model: string;
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  readonly tensors: Readonly<Record<string, ManifestTensor>>;
  readonly cases: Readonly<Record<string, { readonly tensors: Readonly<Record<string, Recorded>> }>>;
  readonly ops: readonly ManifestOperator[];
}

/** Folders below `golden` that hold a manifest. */
export function goldenFolders(golden: string): string[] {
  return readdirSync(golden, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('manifest.json'))
    .map((path) => path.slice(0, -'/manifest.json'.length))
    .toSorted();
}

export function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as Manifest;
}

/** Tensors go by their number. */
export function describedTensors({ tensors }: Manifest): Map<string, FixedPointTensor> {
  return new Map(
    Object.entries(tensors).map(([number, { type, shape, scale, zero_point, quantized_dimension }]) => [
      number,
      { type, shape, scales: scale ?? [], zeroPoints: zero_point ?? [], axis: quantized_dimension ?? 0 },
    ]),
  );
}

/** The constants, from the file. */
export function constantTensors(manifest: Manifest, file: Uint8Array): Map<string, DenseTensor> {
  const constants = new Map<string, DenseTensor>();
  tensorBytes(file).forEach((bytes, number) => {
    const tensor = manifest.tensors[String(number)];
    if (bytes === null || tensor === undefined) return;
    constants.set(String(number), decodedConstant(tensor, bytes));
  });
  return constants;
}

/** A constant from the bytes of its buffer. */
export function decodedConstant(
  { type, shape }: Pick<ManifestTensor, 'type' | 'shape'>,
  bytes: Uint8Array,
): DenseTensor {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const read: Partial<Record<ElementType, readonly [size: number, get: (at: number) => number]>> = {
    int8: [1, (at) => view.getInt8(at)],
    int16: [2, (at) => view.getInt16(at, true)],
    int32: [4, (at) => view.getInt32(at, true)],
    int64: [8, (at) => Number(view.getBigInt64(at, true))],
    float32: [4, (at) => view.getFloat32(at, true)],
  };
  const [size, get] = read[type]!;
  const data = emptyArray(type, bytes.length / size);
  for (let index = 0; index < data.length; index++) data[index] = get(index * size);
  return { type, shape, data };
}

/** A recorded tensor. */
export function recordedTensor(folder: string, { file }: Recorded, type: ElementType): DenseTensor {
  const { shape, data: values } = decodeNpyNumbers(readFileSync(join(folder, file)), file);
  const data = emptyArray(type, values.length);
  data.set(values);
  return { type, shape, data };
}

export function nodeOf({ index, op, options = {}, inputs, outputs }: ManifestOperator): FixedPointNode {
  return {
    name: `${op} ${index}`,
    operation: operationOf(op, options),
    inputs: inputs.map((number) => (number < 0 ? '' : String(number))),
    outputs: outputs.map(String),
  };
}

function operationOf(op: string, options: Readonly<Record<string, OptionValue>>): FixedPointOperation {
  const pair = (name: string): Pair => [Number(options[`${name}_h`]), Number(options[`${name}_w`])];
  const activation = (options['act'] ?? 'NONE') as FusedActivation;
  const window = { padding: options['padding'] as Padding, strides: pair('stride'), activation };
  const biasType = options['bias_type'] === 2 ? 'int32' : null;
  const mask = (name: string): number => Number(options[`${name}_mask`] ?? 0);
  switch (op) {
    case 'CONV_2D':
      return { op, ...window, dilations: pair('dil'), biasType };
    case 'DEPTHWISE_CONV_2D':
      return { op, ...window, dilations: pair('dil') };
    case 'FULLY_CONNECTED':
      return { op, activation, biasType };
    case 'TRANSPOSE_CONV':
      return { op, ...window };
    case 'ADD':
    case 'SUB':
    case 'MUL':
      return { op, activation };
    case 'AVERAGE_POOL_2D':
    case 'MAX_POOL_2D':
      return { op, ...window, window: pair('filter') };
    case 'MEAN':
      return { op, keepDims: options['keep_dims'] === true };
    case 'SOFTMAX':
      return { op, beta: Number(options['beta']) };
    case 'STRIDED_SLICE':
      return {
        op,
        beginMask: mask('begin'),
        endMask: mask('end'),
        ellipsisMask: mask('ellipsis'),
        newAxisMask: mask('new_axis'),
        shrinkAxisMask: mask('shrink_axis'),
      };
    case 'LEAKY_RELU':
      return { op, alpha: Number(options['alpha']) };
    case 'LOGISTIC':
    case 'PAD':
    case 'PADV2':
    case 'RESHAPE':
    case 'SQUEEZE':
    case 'TRANSPOSE':
    case 'QUANTIZE':
    case 'DEQUANTIZE':
    case 'RELU':
    case 'RELU6':
      return { op };
    default:
      throw new Error(`no operator of the tests: ${op}`);
  }
}
