import { CipherconvError } from '../../../compiler/base/errors.ts';

/**
 * Reads flatbuffers that nobody has verified. Every offset, length and alignment is checked right before it is followed,
 * so that what is not read cannot do harm, and what is read lies within the file. Tables may share bytes, as the format
 * allows: what all of them together may cost is bounded by a budget. The depth of nesting is that of the code that reads.
 *
 *   table   int32: vtable = table - it; then the fields     vtable   uint16: its bytes; uint16: bytes of the table; uint16
 *   per field: its offset in the table, 0 for one that is left out     vector   uint32: elements; then these
 */

/** Elements that are read of one file, one by one. */
const MAX_VISITS = 2 ** 22;
/** What a table counts for: it is an object. */
const TABLE_VISITS = 8;

/** A file of flatbuffers. */
export class FlatbufferFile {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly file: string;
  #visits = 0;

  constructor(bytes: Uint8Array, file: string) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.file = file;
  }

  /** The root table. */
  root(): Table {
    this.requireRange(0, 4, 4, 'the offset of the root table');
    return new Table(this, this.view.getUint32(0, true));
  }

  /** Throws for bytes that lie outside of the file or are not aligned. */
  requireRange(position: number, bytes: number, alignment: number, what: string): void {
    if (position < 0 || bytes < 0 || position + bytes > this.bytes.length)
      this.refuse(`${what} leaves the file`, position);
    if (position % alignment !== 0) this.refuse(`${what} is not aligned`, position);
  }

  /** Counts what is read. */
  spend(visits: number): void {
    this.#visits += visits;
    if (this.#visits <= MAX_VISITS) return;
    throw new CipherconvError({
      code: 'unsupported',
      where: this.file,
      message: 'too many tensors, operators or parameters',
      expected: `at most ${MAX_VISITS} of all kinds together`,
      found: 'more',
    });
  }

  refuse(found: string, position: number): never {
    throw new CipherconvError({
      code: 'malformed-model',
      where: this.file,
      message: 'not a TFLite model, or cut off',
      expected: 'a flatbuffer with the identifier TFL3',
      found: `${found}, at byte ${position} of ${this.bytes.length}`,
    });
  }
}

/** Kinds of numbers, with their bytes. */
const WIDTHS = { int8: 1, uint8: 1, bool: 1, int32: 4, uint32: 4, float32: 4, int64: 8, uint64: 8 } as const;
type NumberKind = keyof typeof WIDTHS;

/** 64-bit integers past 2^53 are rounded. */
function numberAt(view: DataView, position: number, kind: NumberKind): number {
  switch (kind) {
    case 'int8':
      return view.getInt8(position);
    case 'uint8':
      return view.getUint8(position);
    case 'bool':
      return view.getUint8(position) === 0 ? 0 : 1;
    case 'int32':
      return view.getInt32(position, true);
    case 'uint32':
      return view.getUint32(position, true);
    case 'float32':
      return view.getFloat32(position, true);
    case 'int64':
      return Number(view.getBigInt64(position, true));
    case 'uint64':
      return Number(view.getBigUint64(position, true));
  }
}

/** Where the elements of a vector lie. */
interface Stretch {
  readonly position: number;
  readonly length: number;
}

/** A table, its vtable checked. Fields are named by their number in the schema, from 0. */
export class Table {
  readonly #file: FlatbufferFile;
  readonly #position: number;
  readonly #vtable: number;
  readonly #fieldCount: number;
  readonly #bytes: number;

  constructor(file: FlatbufferFile, position: number) {
    file.spend(TABLE_VISITS);
    file.requireRange(position, 4, 4, 'a table');
    const { view } = file;
    const vtable = position - view.getInt32(position, true);
    file.requireRange(vtable, 4, 2, 'a vtable');
    const vtableBytes = view.getUint16(vtable, true);
    if (vtableBytes < 4 || vtableBytes % 2 !== 0) file.refuse(`a vtable of ${vtableBytes} bytes`, vtable);
    file.requireRange(vtable, vtableBytes, 2, 'a vtable');
    const bytes = view.getUint16(vtable + 2, true);
    if (bytes < 4) file.refuse(`a table of ${bytes} bytes`, position);
    file.requireRange(position, bytes, 4, 'a table');
    this.#file = file;
    this.#position = position;
    this.#vtable = vtable;
    this.#fieldCount = (vtableBytes - 4) / 2;
    this.#bytes = bytes;
  }

  /** A number, or what the schema has for one that is left out. */
  number(field: number, kind: NumberKind, missing = 0): number {
    const position = this.#field(field, WIDTHS[kind]);
    return position === null ? missing : numberAt(this.#file.view, position, kind);
  }

  flag(field: number, missing = false): boolean {
    return this.number(field, 'bool', missing ? 1 : 0) !== 0;
  }

  table(field: number): Table | null {
    const position = this.#target(field);
    return position === null ? null : new Table(this.#file, position);
  }

  /** Valid UTF-8, or null for a string that is left out. */
  string(field: number): string | null {
    const stretch = this.#stretch(field, 1);
    if (stretch === null) return null;
    const { position, length } = stretch;
    const file = this.#file;
    file.requireRange(position, length + 1, 1, 'a string');
    if (file.bytes[position + length] !== 0) file.refuse('a string without its end', position);
    file.spend(1 + Math.floor(length / 16));
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(
        file.bytes.subarray(position, position + length),
      );
    } catch {
      return file.refuse('a string that is no UTF-8', position);
    }
  }

  /** Empty where the vector is left out. */
  numbers(field: number, kind: NumberKind): readonly number[] {
    const stretch = this.#stretch(field, WIDTHS[kind]);
    if (stretch === null) return [];
    const { position, length } = stretch;
    this.#file.spend(length);
    return Array.from({ length }, (_, index) =>
      numberAt(this.#file.view, position + index * WIDTHS[kind], kind),
    );
  }

  /** Tables of a vector, read as they are asked for; their number is bounded by the budget. */
  tables(field: number): readonly Table[] {
    const stretch = this.#stretch(field, 4);
    if (stretch === null) return [];
    const { position, length } = stretch;
    this.#file.spend(length);
    return Array.from({ length }, (_, index) => {
      const at = position + 4 * index;
      return new Table(this.#file, at + this.#file.view.getUint32(at, true));
    });
  }

  /** The bytes of a vector, not copied; null where it is left out. */
  bytes(field: number): Uint8Array | null {
    const stretch = this.#stretch(field, 1);
    if (stretch === null) return null;
    return this.#file.bytes.subarray(stretch.position, stretch.position + stretch.length);
  }

  /** A vector: its length and elements within the file. */
  #stretch(field: number, width: number): Stretch | null {
    const vector = this.#target(field);
    if (vector === null) return null;
    const file = this.#file;
    file.requireRange(vector, 4, 4, 'a vector');
    const length = file.view.getUint32(vector, true);
    const position = vector + 4;
    file.requireRange(position, length * width, Math.max(width, 1), 'a vector');
    return { position, length };
  }

  /** What an offset field points to. */
  #target(field: number): number | null {
    const position = this.#field(field, 4);
    return position === null ? null : position + this.#file.view.getUint32(position, true);
  }

  /** Where a field lies; null where it is left out. */
  #field(field: number, width: number): number | null {
    if (field >= this.#fieldCount) return null;
    const offset = this.#file.view.getUint16(this.#vtable + 4 + 2 * field, true);
    if (offset === 0) return null;
    const position = this.#position + offset;
    if (offset < 4 || offset + width > this.#bytes)
      this.#file.refuse(`field ${field} outside of its table`, this.#position);
    this.#file.requireRange(position, width, width, 'a field');
    return position;
  }
}
