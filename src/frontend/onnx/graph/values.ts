import { ELEMENTS, elementTypeOf } from '../proto/codes.ts';
import { statedShape } from './extents.ts';
import type { Extents, StatedExtent } from './extents.ts';
import type { ExternalReader } from '../proto/externalReader.ts';
import type { GraphProto, ValueInfoProto } from '../proto/onnx_pb.ts';
import { quoted, unsupported } from '../refusal.ts';
import { decodeTensor } from '../proto/tensorProto.ts';
import type { GraphValue } from '../../imported/types.ts';
import type { ImportOptions, OnnxTensor } from '../types.ts';
import { CipherconvError } from '../../../../compiler/base/errors.ts';
import { nearest } from '../../nearest.ts';

/** Types and shapes that a model states, and its initializers. */

/**
 * The type and shape that a model states for a tensor.
 * @param isInput whether it is a graph input: its first extent is the batch
 */
export function statedValue(
  info: ValueInfoProto,
  extents: Extents,
  isInput: boolean,
  file: string,
): GraphValue {
  const { name, type } = info;
  const value = type?.value;
  if (value?.case === undefined) return { name, type: null, shape: null };
  if (value.case !== 'tensorType') {
    throw unsupported({
      where: file,
      message: `not supported yet: ${quoted(name)} is not a tensor`,
      expected: 'tensors',
      found: value.case.replace('Type', ''),
    });
  }
  const elementType = elementTypeOf(value.value.elemType);
  const stated = statedShape(info, file);
  if (stated === null) return { name, type: elementType, shape: null };
  return {
    name,
    type: elementType,
    shape: isInput ? extents.ofInput(name, stated) : extents.resolve(stated),
  };
}

/** What a model says of an input before anything else is read of it. */
export interface DeclaredInput {
  readonly name: string;
  /** Names stand for extents that the file leaves open; null for no shape. */
  readonly shape: readonly StatedExtent[] | null;
}

/** The inputs that no initializer makes constant. */
export function declaredInputsOf(graph: GraphProto, file: string): readonly DeclaredInput[] {
  const names = new Set(graph.initializer.map(({ name }) => name));
  return graph.input
    .filter(({ name }) => !names.has(name))
    .map((info) => ({ name: info.name, shape: statedShape(info, file) }));
}

/** All initializers, external ones read. @throws CipherconvError as `decodeTensor`. */
export function readInitializers(
  graph: GraphProto,
  external: ExternalReader,
  file: string,
): Map<string, OnnxTensor> {
  const read = (proto: GraphProto['initializer'][number]): readonly [string, OnnxTensor] => [
    proto.name,
    decodeTensor(proto, `${file}: initializer ${quoted(proto.name)}`, external),
  ];
  return new Map(
    graph.initializer.filter(({ dataType }) => isReadable(dataType)).map((proto) => read(proto)),
  );
}

/** Initializers that `readInitializers` leaves out, by name, with their types. */
export function unreadInitializers(graph: GraphProto): ReadonlyMap<string, string> {
  return new Map(
    graph.initializer
      .filter(({ dataType }) => !isReadable(dataType))
      .map(({ name, dataType }) => [name, OTHER_TYPES.get(dataType) ?? `number ${dataType}`]),
  );
}

/** TensorProto.data_type of what is not read. */
const OTHER_TYPES: ReadonlyMap<number, string> = new Map([
  [0, 'undefined'],
  [8, 'string'],
  [14, 'complex64'],
  [15, 'complex128'],
  [17, 'float8e4m3fn'],
  [18, 'float8e4m3fnuz'],
  [19, 'float8e5m2'],
  [20, 'float8e5m2fnuz'],
  [23, 'float4e2m1'],
  [24, 'float8e8m0'],
]);

/** Strings and the like are left where they are: no linear layer reads them. */
function isReadable(dataType: number): boolean {
  return elementTypeOf(dataType) !== null;
}

/**
 * Values that the caller gives for graph inputs.
 * @throws CipherconvError `usage` for names that are no graph input, `shape-mismatch` for values of another type or shape
 */
export function checkedBindings(
  bind: ImportOptions['bind'],
  inputs: readonly GraphValue[],
): ReadonlyMap<string, OnnxTensor> {
  const names = inputs.map(({ name }) => name);
  for (const [name, tensor] of bind ?? []) {
    const input = inputs.find((candidate) => candidate.name === name);
    if (input === undefined) throw noSuchInput('bind', name, names);
    const { type, shape } = input;
    const wrongType = type !== null && type !== tensor.type;
    const wrongShape = shape !== null && shape.join() !== tensor.shape.join();
    if (!wrongType && !wrongShape) continue;
    throw new CipherconvError({
      code: 'shape-mismatch',
      where: `bind ${quoted(name)}`,
      message: 'the values are not those of this graph input',
      expected: `${type ?? 'a tensor'} [${shape?.join(', ') ?? '...'}]`,
      found: `${tensor.type} [${tensor.shape.join(', ')}]`,
    });
  }
  return bind ?? new Map();
}

function noSuchInput(option: string, name: string, names: readonly string[]): CipherconvError {
  const suggestion = nearest(name, names);
  return new CipherconvError({
    code: 'usage',
    where: option,
    message: `the model has no graph input ${quoted(name)}`,
    expected: names.length === 0 ? 'nothing: it has no inputs' : names.map(quoted).join(', '),
    ...(suggestion === null ? {} : { hint: `did you mean ${quoted(suggestion)}?` }),
  });
}

/** @throws CipherconvError `usage` or `out-of-range` for a quantization that cannot be. */
export function checkedInputQuantization(
  quantization: ImportOptions['inputQuantization'],
  inputs: readonly GraphValue[],
): NonNullable<ImportOptions['inputQuantization']> {
  for (const [name, { bits, signed, scale, zeroPoint }] of quantization ?? []) {
    const input = inputs.find((candidate) => candidate.name === name);
    if (input === undefined)
      throw noSuchInput(
        'input quantization',
        name,
        inputs.map((known) => known.name),
      );
    const lo = signed ? -(2 ** (bits - 1)) : 0;
    const isGood =
      Number.isInteger(bits) &&
      bits >= 1 &&
      bits <= 16 &&
      Math.fround(scale) > 0 &&
      Number.isFinite(Math.fround(scale)) &&
      Number.isInteger(zeroPoint) &&
      zeroPoint >= lo &&
      zeroPoint < lo + 2 ** bits;
    const isFloat = input.type === null || ELEMENTS[input.type].kind === 'float';
    if (isGood && isFloat) continue;
    throw new CipherconvError({
      code: 'out-of-range',
      where: `input quantization of ${quoted(name)}`,
      message: isFloat ? 'not a quantization' : 'the input has integers already',
      expected: '1 to 16 bits, a positive scale, a zero point that the bits hold, for a float input',
      found: `${bits} bits, scale ${scale}, zero point ${zeroPoint}, ${input.type ?? 'unknown'} input`,
    });
  }
  return quantization ?? new Map();
}
