/**
 * Buffers that are used again. Left to the garbage collector, a buffer of a MiB costs more than all else that is done with
 * it: its size makes V8 collect, whatever the rest of the heap is.
 */
export class BufferPool {
  readonly #mostBytes: number;
  readonly #free = new Map<number, Uint8Array[]>();
  #freeBytes = 0;

  /** @param mostBytes what may lie idle */
  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  /** Bytes of just this length, with anything in them. */
  readonly take = (length: number): Uint8Array => {
    const found = this.#free.get(length)?.pop();
    if (found === undefined) return Buffer.allocUnsafeSlow(length);
    this.#freeBytes -= length;
    return found;
  };

  /** Bytes that nobody uses any more: all that `take` gave, never a part. */
  give(bytes: Uint8Array): void {
    const { length } = bytes;
    if (this.#freeBytes + length > this.#mostBytes) return;
    this.#freeBytes += length;
    const list = this.#free.get(length);
    if (list === undefined) this.#free.set(length, [bytes]);
    else list.push(bytes);
  }
}

/** The part of ECMAScript 2024 that is used here. */
interface Transferable {
  transfer(length: number): unknown;
}

/** Gives the memory of bytes back at once, and of all that lies in the same buffer: nobody may use it any more. */
export function giveBack({ buffer }: Uint8Array): void {
  (buffer as ArrayBufferLike & Transferable).transfer(0);
}

/** The same for a chunk that a stream has handed out and everything was copied from. */
export function dropChunk(chunk: Uint8Array): void {
  // Where it is a part of something, others may use the rest.
  if (chunk.buffer.byteLength === chunk.length) giveBack(chunk);
}
