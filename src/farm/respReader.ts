/** Replies of a Redis, read out of chunks that are only lent: RESP2, as far as single replies go. */

export type Allocate = (bytes: number) => Uint8Array;

/** Where the bytes of a reply go. */
export interface ReplySpace {
  /** A longer one is refused before anything is allocated. */
  readonly most: number;
  readonly allocate: Allocate;
}

/** One reply; none of the commands here has one of no bytes at all. */
export type Reply =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'error'; readonly text: string }
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array };

/** A line says what follows, or is an error. */
const LONGEST_LINE = 2 ** 16;
const BREAK_BYTES = 2;
const LINE_FEED = 10;

/** Bytes that are being received, and the line break after them. */
interface Filling {
  readonly bytes: Uint8Array;
  filled: number;
}

export class RespReader {
  readonly #onReply: (reply: Reply) => void;
  readonly #space: () => ReplySpace;
  #line = '';
  #filling: Filling | null = null;

  /** @param space of the reply that comes next */
  constructor(space: () => ReplySpace, onReply: (reply: Reply) => void) {
    this.#space = space;
    this.#onReply = onReply;
  }

  /**
   * Takes what has come; keeps nothing of `chunk` itself.
   * @throws Error for what no Redis says.
   */
  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      const filling = this.#filling;
      at = filling === null ? this.#readLine(chunk, at) : this.#fill(filling, chunk, at);
    }
  }

  #readLine(chunk: Buffer, at: number): number {
    const found = chunk.indexOf(LINE_FEED, at);
    const end = found < 0 ? chunk.length : found + 1;
    this.#line += chunk.toString('latin1', at, end);
    if (this.#line.length > LONGEST_LINE) notUnderstood();
    if (found >= 0) {
      const line = this.#line;
      this.#line = '';
      this.#takeLine(line[0] ?? '', line.slice(1, -BREAK_BYTES));
    }
    return end;
  }

  #takeLine(type: string, text: string): void {
    if (type === '+') this.#onReply({ kind: 'text', text });
    else if (type === '-') this.#onReply({ kind: 'error', text });
    else if (type === ':') this.#onReply({ kind: 'number', value: wholeNumber(text) });
    else if (type !== '$') notUnderstood();
    else {
      const length = wholeNumber(text);
      const { most, allocate } = this.#space();
      if (length > most) notUnderstood();
      this.#filling = { bytes: allocate(length), filled: 0 };
    }
  }

  #fill(filling: Filling, chunk: Buffer, at: number): number {
    const { bytes, filled } = filling;
    const whole = bytes.length + BREAK_BYTES;
    const end = Math.min(chunk.length, at + whole - filled);
    if (filled < bytes.length)
      bytes.set(chunk.subarray(at, Math.min(end, at + bytes.length - filled)), filled);
    filling.filled += end - at;
    if (filling.filled === whole) {
      this.#filling = null;
      this.#onReply({ kind: 'bytes', bytes });
    }
    return end;
  }
}

function wholeNumber(text: string): number {
  return /^\d{1,15}$/.test(text) ? Number(text) : notUnderstood();
}

function notUnderstood(): never {
  // As ioredis calls it: both are explained alike.
  throw new Error('Protocol error: the answer is none of a Redis');
}
