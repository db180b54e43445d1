/** Writes flatbuffers, front to back: a table stands before what it points to. For tests. */

/** A number in a table or vector, with its width. */
export interface Scalar {
  readonly as: ScalarType;
  readonly value: number;
}

export type ScalarType = 'uint8' | 'int8' | 'int16' | 'int32' | 'uint32' | 'int64' | 'float32' | 'float64';

/** What an offset leads to. */
export type Node =
  | { readonly table: Readonly<Record<number, Field | null>> }
  | { readonly vector: ScalarType; readonly values: readonly number[] }
  | { readonly bytes: Uint8Array }
  | { readonly nodes: readonly Node[] }
  | { readonly text: string };

/** A field of a table: fields are numbered; null is one that is left out. */
export type Field = Scalar | Node;

const WIDTHS: Readonly<Record<ScalarType, number>> = {
  uint8: 1,
  int8: 1,
  int16: 2,
  int32: 4,
  uint32: 4,
  int64: 8,
  float32: 4,
  float64: 8,
};

const SETTERS: Readonly<Record<ScalarType, (view: DataView, at: number, value: number) => void>> = {
  uint8: (view, at, value) => {
    view.setUint8(at, value);
  },
  int8: (view, at, value) => {
    view.setInt8(at, value);
  },
  int16: (view, at, value) => {
    view.setInt16(at, value, true);
  },
  int32: (view, at, value) => {
    view.setInt32(at, value, true);
  },
  uint32: (view, at, value) => {
    view.setUint32(at, value, true);
  },
  int64: (view, at, value) => {
    view.setBigInt64(at, BigInt(value), true);
  },
  float32: (view, at, value) => {
    view.setFloat32(at, value, true);
  },
  float64: (view, at, value) => {
    view.setFloat64(at, value, true);
  },
};

export const int8 = (value: number): Scalar => ({ as: 'int8', value });
export const int32 = (value: number): Scalar => ({ as: 'int32', value });
export const float32 = (value: number): Scalar => ({ as: 'float32', value });
export const flag = (value: boolean): Scalar => ({ as: 'uint8', value: Number(value) });

/** The file whose root is this table. */
export function encodeFlatbuffer(root: Node, identifier: string): Uint8Array {
  const writer = new Writer();
  writer.offsetTo(root);
  for (const letter of identifier) writer.scalar({ as: 'uint8', value: letter.charCodeAt(0) });
  return writer.finish();
}

class Writer {
  #view = new DataView(new ArrayBuffer(1024));
  #length = 0;
  /** Places of offsets whose target is not written yet, first come first served. */
  readonly #open: { readonly at: number; readonly node: Node }[] = [];

  offsetTo(node: Node): void {
    this.#align(4);
    this.#open.push({ at: this.#length, node });
    this.scalar({ as: 'uint32', value: 0 });
  }

  scalar({ as, value }: Scalar): void {
    this.#align(WIDTHS[as]);
    this.#grow(WIDTHS[as]);
    this.#put(this.#length, as, value);
    this.#length += WIDTHS[as];
  }

  finish(): Uint8Array {
    // The list grows while it is walked.
    for (const { at, node } of this.#open) {
      this.#put(at, 'uint32', this.#write(node) - at);
    }
    return new Uint8Array(this.#view.buffer.slice(0, this.#length));
  }

  /** @returns where the node begins */
  #write(node: Node): number {
    if ('table' in node) return this.#table(node.table);
    if ('text' in node) {
      const at = this.#vector('uint8', [...new TextEncoder().encode(node.text)]);
      this.scalar({ as: 'uint8', value: 0 });
      return at;
    }
    if ('bytes' in node) return this.#bytes(node.bytes);
    if ('vector' in node) return this.#vector(node.vector, node.values);
    const at = this.#count(4, node.nodes.length);
    for (const child of node.nodes) this.offsetTo(child);
    return at;
  }

  /** The count of a vector, placed so that its elements are aligned. */
  #count(width: number, count: number): number {
    this.#align(4);
    while ((this.#length + 4) % width !== 0) this.scalar({ as: 'uint32', value: 0 });
    const at = this.#length;
    this.scalar({ as: 'uint32', value: count });
    return at;
  }

  #vector(type: ScalarType, values: readonly number[]): number {
    const at = this.#count(WIDTHS[type], values.length);
    for (const value of values) this.scalar({ as: type, value });
    return at;
  }

  /** Buffers of models are aligned to 16. */
  #bytes(bytes: Uint8Array): number {
    const at = this.#count(16, bytes.length);
    this.#grow(bytes.length);
    new Uint8Array(this.#view.buffer).set(bytes, this.#length);
    this.#length += bytes.length;
    return at;
  }

  /** The layout, then the table: its distance to the layout, then its fields. */
  #table(fields: Readonly<Record<number, Field | null>>): number {
    const present = Object.entries(fields).flatMap(([number, field]) =>
      field === null ? [] : [{ number: Number(number), field, width: 'as' in field ? WIDTHS[field.as] : 4 }],
    );
    const slots = 1 + Math.max(-1, ...present.map(({ number }) => number));
    this.#align(2);
    const layout = this.#length;
    for (let slot = 0; slot < 2 + slots; slot++) this.scalar({ as: 'int16', value: 0 });
    this.#align(8);
    const table = this.#length;
    this.scalar({ as: 'int32', value: table - layout });
    for (const { number, field, width } of present) {
      this.#align(width);
      this.#put(layout + 4 + 2 * number, 'int16', this.#length - table);
      if ('as' in field) this.scalar(field);
      else this.offsetTo(field);
    }
    this.#put(layout, 'int16', 4 + 2 * slots);
    this.#put(layout + 2, 'int16', this.#length - table);
    return table;
  }

  #align(width: number): void {
    while (this.#length % width !== 0) {
      this.#grow(1);
      this.#length++;
    }
  }

  #grow(by: number): void {
    if (this.#length + by <= this.#view.byteLength) return;
    const larger = new Uint8Array(2 * (this.#length + by));
    larger.set(new Uint8Array(this.#view.buffer));
    this.#view = new DataView(larger.buffer);
  }

  #put(at: number, as: ScalarType, value: number): void {
    SETTERS[as](this.#view, at, value);
  }
}
