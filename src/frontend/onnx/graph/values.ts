import { ELEMENTS, elementTypeOf } from '../proto/codes.ts';
import { externalReader } from '../proto/externalData.ts';
import type { GraphProto, ValueInfoProto } from '../proto/onnx_pb.ts';
import { malformed, quoted, unsupported } from '../refusal.ts';
import { decodeTensor } from '../proto/tensorProto.ts';
import type { GraphValue, ImportOptions, OnnxTensor } from '../types.ts';
import { CipherconvError } from '../../../../compiler/base/errors.ts';
import { nearest } from '../../nearest.ts';

/** Types and shapes that a model states, and its initializers. */

/** Extents with names, and what is taken for them. */
export type Extents = Map<string, number>;

/**
 * The type and shape that a model states for a tensor.
 * @param isInput symbolic extents become numbers only for graph inputs: the first one is the batch, and 1
 */
export function statedValue(
  { name, type }: ValueInfoProto,
  extents: Extents,
  isInput: boolean,
  file: string,
): GraphValue {
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
  const { elemType, shape } = value.value;
  const known = shape?.dim.map(({ value: extent }, axis) => {
    if (extent.case === 'dimValue' && extent.value > 0n) {
      if (extent.value <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(extent.value);
      throw malformed({
        where: file,
        message: `an extent of ${quoted(name)} is out of range`,
        expected: 'below 2^53',
        found: String(extent.value),
      });
    }
    const symbol = extent.case === 'dimParam' ? extent.value : '';
    return symbolicExtent(symbol === '' ? `${name}[${axis}]` : symbol, axis, extents, isInput);
  });
  const resolved =
    known === undefined || known.includes(null) ? null : known.filter((extent) => extent !== null);
  return { name, type: elementTypeOf(elemType), shape: resolved };
}

function symbolicExtent(symbol: string, axis: number, extents: Extents, isInput: boolean): number | null {
  const known = extents.get(symbol);
  if (known !== undefined) return known;
  if (!isInput || axis !== 0) return null;
  extents.set(symbol, 1);
  return 1;
}

/** All initializers, external ones read. @throws CipherconvError as `decodeTensor`. */
export function readInitializers(
  graph: GraphProto,
  folder: string | null,
  file: string,
): Map<string, OnnxTensor> {
  const external = externalReader(folder);
  const read = (proto: GraphProto['initializer'][number]): readonly [string, OnnxTensor] => [
    proto.name,
    decodeTensor(proto, `${file}: initializer ${quoted(proto.name)}`, external),
  ];
  return new Map(
    graph.initializer.filter(({ dataType }) => isReadable(dataType)).map((proto) => read(proto)),
  );
}

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

export function noSuchInput(option: string, name: string, names: readonly string[]): CipherconvError {
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
