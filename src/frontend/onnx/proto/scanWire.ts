import { kindOfBytes, ONNX } from '../../kindOfBytes.ts';
import { ScalarType } from '@bufbuild/protobuf';
import type { DescField, DescMessage } from '@bufbuild/protobuf';
import { malformed, unsupported } from '../refusal.ts';

/**
 * A walk over protobuf bytes before they are decoded: nothing is allocated, so that a file that is cut off, that nests
 * groups or that would unfold into millions of objects is refused at the price of reading it once. Which fields are
 * messages says the schema, whose nesting is finite: the depth of the recursion is too.
 */

/** What decoding may take beside the file itself, in bytes: estimated from above for V8. */
const DECODED_LIMIT = 768 * 2 ** 20;

/** An object with its arrays, as protobuf-es makes it. */
const MESSAGE_BYTES = 600;
const BIGINT_BYTES = 40;
const NUMBER_BYTES = 16;
const REFERENCE_BYTES = 120;

const [VARINT, FIXED64, LENGTH, FIXED32] = [0, 1, 2, 5];

interface Scan {
  readonly bytes: Uint8Array;
  readonly file: string;
  /** What the file should be, with its article. */
  readonly what: string;
  position: number;
  decodedBytes: number;
}

function broken(scan: Scan, found: string): never {
  const kind = kindOfBytes(scan.bytes);
  const isOther = kind !== null && kind.what !== ONNX.what;
  throw malformed({
    where: scan.file,
    message: `not ${scan.what}, or cut off`,
    expected: `${scan.what} in protobuf's binary format`,
    found: isOther ? kind.what : `${found} at byte ${scan.position} of ${scan.bytes.length}`,
    ...(isOther ? { hint: kind.hint } : {}),
  });
}

/** @throws CipherconvError `malformed-model`, or `unsupported` for what would take too much memory. */
export function scanWire(bytes: Uint8Array, schema: DescMessage, file: string, what: string): void {
  const scan: Scan = { bytes, file, what, position: 0, decodedBytes: 0 };
  scanMessage(scan, schema, bytes.length);
}

/** The low 32 bits of a varint; `position` behind it. Lengths past 2^32 are caught by the high bits. */
function varint(scan: Scan, end: number): number {
  let value = 0;
  for (let shift = 0; shift < 70; shift += 7) {
    if (scan.position >= end) broken(scan, 'an unfinished number');
    const byte = scan.bytes[scan.position++]!;
    value += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return value;
  }
  return broken(scan, 'a number of more than 10 bytes');
}

function scanMessage(scan: Scan, schema: DescMessage, end: number): void {
  spend(scan, MESSAGE_BYTES);
  const fields = fieldsOf(schema);
  while (scan.position < end) {
    const tag = varint(scan, end);
    const [number, wireType] = [Math.floor(tag / 8), tag % 8];
    if (number === 0 || number > 0x1fffffff) broken(scan, `field number ${number}`);
    const field = fields.get(number);
    if (wireType === LENGTH) scanBlock(scan, field, end);
    else {
      if (wireType === VARINT) varint(scan, end);
      else if (wireType === FIXED64) scan.position += 8;
      else if (wireType === FIXED32) scan.position += 4;
      else broken(scan, `wire type ${wireType}`);
      if (scan.position > end) broken(scan, 'an unfinished number');
      if (field?.fieldKind === 'list') spend(scan, elementBytes(field));
      requireWireType(scan, field, wireType);
    }
  }
  if (scan.position !== end) broken(scan, 'a message that leaves its frame');
}

/** A field in another wire type than its own would be decoded from bytes that were not looked at. */
function requireWireType(scan: Scan, field: DescField | undefined, wireType: number): void {
  if (field !== undefined && wireTypeOf(field) !== wireType)
    broken(scan, `wire type ${wireType} for ${field.name}`);
}

function scanBlock(scan: Scan, field: DescField | undefined, end: number): void {
  const length = varint(scan, end);
  const blockEnd = scan.position + length;
  if (blockEnd > end) broken(scan, `a block of ${length} bytes`);
  if (field === undefined) {
    scan.position = blockEnd;
    return;
  }
  if (field.message !== undefined) {
    scanMessage(scan, field.message, blockEnd);
    return;
  }
  const own = wireTypeOf(field);
  if (own === LENGTH) spend(scan, REFERENCE_BYTES + (field.scalar === ScalarType.STRING ? 2 * length : 0));
  else if (field.fieldKind !== 'list') broken(scan, `a block for ${field.name}`);
  else spend(scan, packedCount(scan, own, blockEnd) * elementBytes(field));
  scan.position = blockEnd;
}

/** Elements of a packed list: fixed ones by length, varints by their last bytes. */
function packedCount(scan: Scan, wireType: number, end: number): number {
  const length = end - scan.position;
  if (wireType !== VARINT) {
    const width = wireType === FIXED64 ? 8 : 4;
    if (length % width !== 0) broken(scan, `a packed list of ${length} bytes`);
    return length / width;
  }
  let count = 0;
  for (let index = scan.position; index < end; index++) if (scan.bytes[index]! < 0x80) count++;
  if (length > 0 && scan.bytes[end - 1]! >= 0x80) broken(scan, 'a packed list that is cut off');
  return count;
}

function spend(scan: Scan, bytes: number): void {
  scan.decodedBytes += bytes;
  if (scan.decodedBytes <= DECODED_LIMIT) return;
  throw unsupported({
    where: scan.file,
    message: 'too many nodes, attributes or values outside raw data',
    expected: `what decodes to at most ${DECODED_LIMIT / 2 ** 20} MiB beside the raw data`,
    found: `more, by byte ${scan.position} of ${scan.bytes.length}`,
    hint: 'store the initializers as raw data',
  });
}

function scalarOf(field: DescField): ScalarType | undefined {
  return field.fieldKind === 'scalar' || field.fieldKind === 'list' ? field.scalar : undefined;
}

function elementBytes(field: DescField): number {
  const scalar = scalarOf(field);
  return scalar === ScalarType.INT64 || scalar === ScalarType.UINT64 ? BIGINT_BYTES : NUMBER_BYTES;
}

function wireTypeOf(field: DescField): number {
  switch (scalarOf(field)) {
    case ScalarType.FLOAT:
      return FIXED32;
    case ScalarType.DOUBLE:
      return FIXED64;
    case ScalarType.INT32:
    case ScalarType.INT64:
    case ScalarType.UINT64:
      return VARINT;
    default:
      return LENGTH;
  }
}

const known = new WeakMap<DescMessage, ReadonlyMap<number, DescField>>();

function fieldsOf(schema: DescMessage): ReadonlyMap<number, DescField> {
  const cached = known.get(schema);
  if (cached !== undefined) return cached;
  const fields = new Map(schema.fields.map((field) => [field.number, field] as const));
  known.set(schema, fields);
  return fields;
}
