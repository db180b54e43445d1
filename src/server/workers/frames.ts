import { internalError } from '../../../compiler/base/errors.ts';

/**
 * Frames between the server and a worker: two 32-bit little-endian lengths (head, body), the head as JSON, the body as
 * it is. A body is received straight into the one buffer that is handed on.
 */

const PREFIX_BYTES = 8;
/** Heads are small; a longer one comes from a worker that is not itself any more. */
const LARGEST_HEAD_BYTES = 2 ** 16;

export interface Frame {
  readonly head: unknown;
  readonly body: Uint8Array;
}

/** Head of a frame with `bodyBytes` to follow, ready to be written. */
export function frameStart(head: object, bodyBytes: number): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify(head));
  if (text.length > LARGEST_HEAD_BYTES) throw internalError(`a frame head of ${text.length} bytes`);
  const bytes = new Uint8Array(PREFIX_BYTES + text.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, text.length, true);
  view.setUint32(4, bodyBytes, true);
  bytes.set(text, PREFIX_BYTES);
  return bytes;
}

/** A part of a frame that is being received. */
interface Filling {
  readonly bytes: Uint8Array;
  filled: number;
}

type Allocate = (bytes: number) => Uint8Array;
const fresh: Allocate = (bytes) => new Uint8Array(bytes);
const filling = (length: number, allocate = fresh): Filling => ({ bytes: allocate(length), filled: 0 });

/** Puts chunks of a stream together to frames. */
export class FrameReader {
  readonly #largestBody: number;
  readonly #onFrame: (frame: Frame) => void;
  readonly #allocate: Allocate;
  #prefix = filling(PREFIX_BYTES);
  #head: Filling | null = null;
  #body: Filling | null = null;

  /**
   * @param largestBody bytes; a frame that claims more is refused before anything is allocated
   * @param allocate what bodies are received into, whatever is in it
   */
  constructor(largestBody: number, onFrame: (frame: Frame) => void, allocate = fresh) {
    this.#allocate = allocate;
    this.#largestBody = largestBody;
    this.#onFrame = onFrame;
  }

  /** @throws CipherconvError `internal` for what cannot be a frame. */
  push(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) {
      const target = this.#target();
      const count = Math.min(target.bytes.length - target.filled, chunk.length - at);
      target.bytes.set(chunk.subarray(at, at + count), target.filled);
      target.filled += count;
      at += count;
      this.#advance();
    }
  }

  #target(): Filling {
    if (this.#head === null || this.#body === null) return this.#prefix;
    return this.#head.filled < this.#head.bytes.length ? this.#head : this.#body;
  }

  #advance(): void {
    if (this.#prefix.filled < PREFIX_BYTES) return;
    this.#head ??= this.#begin(0, LARGEST_HEAD_BYTES, fresh);
    this.#body ??= this.#begin(4, this.#largestBody, this.#allocate);
    if (this.#head.filled < this.#head.bytes.length || this.#body.filled < this.#body.bytes.length) return;
    const frame = { head: parse(this.#head.bytes), body: this.#body.bytes };
    this.#prefix = filling(PREFIX_BYTES);
    this.#head = null;
    this.#body = null;
    this.#onFrame(frame);
  }

  #begin(lengthAt: number, largest: number, allocate: Allocate): Filling {
    const length = new DataView(this.#prefix.bytes.buffer).getUint32(lengthAt, true);
    if (length > largest) throw internalError(`a frame part of ${length} bytes, at most ${largest}`);
    return filling(length, allocate);
  }
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw internalError(`a frame head that is not JSON: ${String(error)}`);
  }
}
