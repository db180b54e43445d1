/** Memory of the matrix module, laid out before it is there: what asks for room runs twice, first to learn how much. */

/** Numbers at a fixed address. */
interface Block<Numbers> {
  readonly address: number;
  readonly numbers: Numbers;
}

export type Floats = Block<Float32Array>;
export type Doubles = Block<Float64Array>;
export type Bytes = Block<Uint8Array>;

/** As SIMD loads like it best. */
const ALIGNMENT = 16;

/** Hands out room, one block after the other; everything starts as 0. */
export class Arena {
  readonly #buffer: ArrayBuffer | null;
  #bytes = 0;

  /** @param buffer null to measure only: the blocks are then empty */
  constructor(buffer: ArrayBuffer | null) {
    this.#buffer = buffer;
  }

  /** Bytes handed out so far. */
  get byteLength(): number {
    return this.#bytes;
  }

  floats(count: number): Floats {
    const address = this.#take(count * 4);
    const numbers =
      this.#buffer === null ? new Float32Array() : new Float32Array(this.#buffer, address, count);
    return { address, numbers };
  }

  doubles(count: number): Doubles {
    const address = this.#take(count * 8);
    const numbers =
      this.#buffer === null ? new Float64Array() : new Float64Array(this.#buffer, address, count);
    return { address, numbers };
  }

  bytes(count: number): Bytes {
    const address = this.#take(count);
    const numbers = this.#buffer === null ? new Uint8Array() : new Uint8Array(this.#buffer, address, count);
    return { address, numbers };
  }

  #take(bytes: number): number {
    const address = this.#bytes;
    this.#bytes += Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
    return address;
  }
}

/** The next multiple of 4: rows are padded to whole SIMD vectors. */
export function padded(count: number): number {
  return Math.ceil(count / 4) * 4;
}
