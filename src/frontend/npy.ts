import { CipherconvError } from '../../compiler/base/errors.ts';
import { elementCount } from '../../compiler/base/tensor.ts';
import type { Tensor } from '../../compiler/base/tensor.ts';

/**
 * NumPy's .npy files (format versions 1 to 3) in C order: integers, and floats where a model takes them. Our own reader, because what is read here
 * decides what is computed: the header is parsed as a whole, and the data must fill the shape exactly.
 */

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
const LARGEST_HEADER = 2 ** 16;
const LARGEST_RANK = 32;

interface Header {
  readonly descr: string;
  readonly fortranOrder: boolean;
  readonly shape: readonly number[];
}

function refuse(file: string, message: string, expected: string, found: string, hint?: string): never {
  throw new CipherconvError({
    code: 'malformed-tensor',
    where: file,
    message,
    expected,
    found,
    ...(hint === undefined ? {} : { hint }),
  });
}

/** One `'key': value` of the header with its comma; values are strings, booleans or tuples of integers. */
const ENTRY =
  /\s*(?:'(\w+)'|"(\w+)")\s*:\s*(?:'([^'\\]*)'|"([^"\\]*)"|(True|False)|\(([\d\s,]*)\))\s*(?:,|(?=\s*\}))/y;

function parseHeader(text: string, file: string): Header {
  const wrong = (): never =>
    refuse(
      file,
      'the header is not that of an array of plain numbers',
      "{'descr': '<i4', 'fortran_order': False, 'shape': (1, 1, 28, 28), }",
      text.trim().slice(0, 100),
    );
  const trimmed = text.trim();
  if (!trimmed.startsWith('{') || !trimmed.endsWith('}')) return wrong();
  const entries = new Map<string, string>();
  ENTRY.lastIndex = 1;
  while (!/^\s*\}$/.test(trimmed.slice(ENTRY.lastIndex))) {
    const match = ENTRY.exec(trimmed);
    if (match === null) return wrong();
    const [, single, double, text1, text2, flag, tuple] = match;
    const key = single ?? double ?? '';
    if (entries.has(key)) return wrong();
    entries.set(key, text1 ?? text2 ?? flag ?? `(${tuple ?? ''})`);
  }
  const [descr, order, shape] = [entries.get('descr'), entries.get('fortran_order'), entries.get('shape')];
  if (entries.size !== 3 || descr === undefined || order === undefined || shape === undefined) return wrong();
  if (!/^(True|False)$/.test(order) || !/^\((\s*\d{1,16}\s*,)*(\s*\d{1,16}\s*)?\)$/.test(shape))
    return wrong();
  const extents = shape.match(/\d+/g)?.map(Number) ?? [];
  if (extents.length > LARGEST_RANK) return wrong();
  return { descr, fortranOrder: order === 'True', shape: extents };
}

interface ElementType {
  readonly bytes: number;
  readonly read: (view: DataView, offset: number) => number | bigint;
}

const ELEMENT_TYPES: Readonly<Record<string, ElementType>> = {
  i1: { bytes: 1, read: (view, offset) => view.getInt8(offset) },
  u1: { bytes: 1, read: (view, offset) => view.getUint8(offset) },
  i2: { bytes: 2, read: (view, offset) => view.getInt16(offset, true) },
  u2: { bytes: 2, read: (view, offset) => view.getUint16(offset, true) },
  i4: { bytes: 4, read: (view, offset) => view.getInt32(offset, true) },
  u4: { bytes: 4, read: (view, offset) => view.getUint32(offset, true) },
  i8: { bytes: 8, read: (view, offset) => view.getBigInt64(offset, true) },
  u8: { bytes: 8, read: (view, offset) => view.getBigUint64(offset, true) },
};

const FLOAT_TYPES: Readonly<Record<string, ElementType>> = {
  f4: { bytes: 4, read: (view, offset) => view.getFloat32(offset, true) },
  f8: { bytes: 8, read: (view, offset) => view.getFloat64(offset, true) },
};

/** What a reader takes beside integers. */
type Floats = 'refused' | 'taken';

function elementType(descr: string, file: string, floats: Floats): ElementType {
  const order = descr.charAt(0);
  const float = floats === 'taken' && order === '<' ? FLOAT_TYPES[descr.slice(1)] : undefined;
  if (float !== undefined) return float;
  const type = ELEMENT_TYPES[descr.slice(1)];
  if (type !== undefined && (order === '<' || (type.bytes === 1 && '|>='.includes(order)))) return type;
  return refuseElements(descr, file, floats);
}

/** The hints keep every value: none turns floats into integers for a reader that takes floats. */
function refuseElements(descr: string, file: string, floats: Floats): never {
  const integers = 'little-endian integers of 1, 2, 4 or 8 bytes';
  const expected = floats === 'taken' ? `${integers}, or floats of 4 or 8 bytes` : integers;
  const found = JSON.stringify(descr);
  const type = descr.slice(1);
  const astype = (name: string): string => `x.astype('${name}') in NumPy`;
  if (/^[<>=]f\d+$/.test(descr)) {
    if (floats === 'refused')
      return refuse(file, 'floating point values', expected, found, `${astype('<i8')}, if they are whole`);
    const message = type in FLOAT_TYPES ? 'not little-endian' : 'floats of another size';
    return refuse(file, message, expected, found, astype(type === 'f8' || type === 'f16' ? '<f8' : '<f4'));
  }
  if (type in ELEMENT_TYPES) return refuse(file, 'not little-endian', expected, found, astype(`<${type}`));
  if (type === 'b1') return refuse(file, 'truth values', expected, found, astype('u1'));
  return refuse(file, 'not numbers that are taken here', expected, found);
}

/**
 * Reads a .npy file: shape and values as the file has them.
 * @param file name for messages
 * @throws CipherconvError `malformed-tensor` for anything but a whole file of integers below 2^53 in C order.
 */
export function decodeNpy(bytes: Uint8Array, file: string): Tensor {
  const { header, read } = openNpy(bytes, file, 'refused');
  const data = read((value, index) => {
    if (Number.isSafeInteger(value)) return;
    refuse(file, `element ${index} is out of range`, 'integers below 2^53 in magnitude', String(value));
  });
  return { shape: header.shape, data };
}

/** What a .npy file holds where floats may come too. */
export interface NpyNumbers {
  readonly shape: readonly number[];
  readonly data: Float64Array;
  /** NumPy's name without the byte order, such as f4 or u1. */
  readonly type: string;
}

/**
 * Reads a .npy file of integers or floats.
 * @throws CipherconvError `malformed-tensor`.
 */
export function decodeNpyNumbers(bytes: Uint8Array, file: string): NpyNumbers {
  const { header, read } = openNpy(bytes, file, 'taken');
  const data = read(() => undefined);
  return { shape: header.shape, data, type: header.descr.slice(1) };
}

interface OpenNpy {
  readonly header: Header;
  /** Reads all elements, each shown to `check` first. */
  readonly read: (check: (value: number, index: number) => void) => Float64Array;
}

function openNpy(bytes: Uint8Array, file: string, floats: Floats): OpenNpy {
  if (bytes.length < 10 || !MAGIC.every((byte, index) => bytes[index] === byte)) {
    return refuse(
      file,
      'not a .npy file',
      'a file that starts with \\x93NUMPY',
      `${bytes.length} other bytes`,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = view.getUint8(6);
  if (version < 1 || version > 3)
    return refuse(file, 'unknown .npy version', 'version 1, 2 or 3', String(version));
  const start = version === 1 ? 10 : 12;
  const length =
    version === 1 ? view.getUint16(8, true) : bytes.length < 12 ? Infinity : view.getUint32(8, true);
  if (length > LARGEST_HEADER || start + length > bytes.length) {
    return refuse(file, 'the header is cut off', `${length} bytes of header`, `${bytes.length} bytes in all`);
  }
  const header = parseHeader(new TextDecoder().decode(bytes.subarray(start, start + length)), file);
  const type = elementType(header.descr, file, floats);
  const rank = header.shape.filter((extent) => extent !== 1).length;
  if (header.fortranOrder && rank > 1) {
    return refuse(
      file,
      'Fortran order',
      'C order',
      'fortran_order: True',
      'np.ascontiguousarray(x) in NumPy',
    );
  }
  const read: OpenNpy['read'] = (check) => readData(view, start + length, header.shape, type, file, check);
  return { header, read };
}

function readData(
  view: DataView,
  start: number,
  shape: readonly number[],
  type: ElementType,
  file: string,
  check: (value: number, index: number) => void,
): Float64Array {
  const count = elementCount(shape);
  const found = view.byteLength - start;
  // Compared before anything is allocated: a shape can claim any size. Extents of 16 digits may round, never fit.
  if (count * type.bytes !== found) {
    const expected = `${count * type.bytes} bytes for shape (${shape.join(', ')})`;
    const message = count * type.bytes > found ? 'the file is cut off' : 'there are bytes left over';
    return refuse(file, message, `${expected} after the header`, `${found} bytes`);
  }
  const data = new Float64Array(count);
  for (let index = 0; index < count; index++) {
    const value = Number(type.read(view, start + index * type.bytes));
    check(value, index);
    data[index] = value;
  }
  return data;
}

/** Bytes of a .npy file (version 1): int32 where all values fit, int64 otherwise; little endian, C order. */
export function encodeNpy(tensor: Tensor): Uint8Array {
  const fits = tensor.data.every((value) => value === (value | 0));
  return encodeElements(tensor, fits ? 'i4' : 'i8', fits ? 4 : 8, (view, offset, value) => {
    if (fits) view.setInt32(offset, value, true);
    else view.setBigInt64(offset, BigInt(value), true);
  });
}

/** Bytes of a .npy file (version 1) of float32. */
export function encodeNpyFloats(tensor: Tensor): Uint8Array {
  return encodeElements(tensor, 'f4', 4, (view, offset, value) => {
    view.setFloat32(offset, value, true);
  });
}

/** Bytes of a .npy file (version 1) of the tensor's own type, as NumPy writes them. */
export function encodeNpyOf(type: NpyElement, tensor: Tensor): Uint8Array {
  switch (type) {
    case 'float32':
      return encodeNpyFloats(tensor);
    case 'int8':
      return encodeElements(tensor, 'i1', 1, (view, offset, value) => {
        view.setInt8(offset, value);
      });
    case 'uint8':
      return encodeElements(tensor, 'u1', 1, (view, offset, value) => {
        view.setUint8(offset, value);
      });
    case 'int16':
      return encodeElements(tensor, 'i2', 2, (view, offset, value) => {
        view.setInt16(offset, value, true);
      });
    case 'int32':
      return encodeElements(tensor, 'i4', 4, (view, offset, value) => {
        view.setInt32(offset, value, true);
      });
  }
}

/** Element types that `encodeNpyOf` writes. */
export type NpyElement = 'float32' | 'int8' | 'uint8' | 'int16' | 'int32';

function encodeElements(
  { shape, data }: Tensor,
  type: string,
  width: number,
  set: (view: DataView, offset: number, value: number) => void,
): Uint8Array {
  const extents = shape.length === 1 ? `(${shape.join()},)` : `(${shape.join(', ')})`;
  const dictionary = `{'descr': '${width === 1 ? '|' : '<'}${type}', 'fortran_order': False, 'shape': ${extents}, }`;
  // NumPy pads with spaces up to a line break so that the data start at a multiple of 64 bytes.
  const start = Math.ceil((10 + dictionary.length + 1) / 64) * 64;
  const header = `${dictionary.padEnd(start - 11)}\n`;
  const bytes = new Uint8Array(start + data.length * width);
  const view = new DataView(bytes.buffer);
  bytes.set([...MAGIC, 1, 0]);
  view.setUint16(8, header.length, true);
  bytes.set(new TextEncoder().encode(header), 10);
  data.forEach((value, index) => {
    set(view, start + index * width, value);
  });
  return bytes;
}
