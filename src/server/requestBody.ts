import type { IncomingMessage } from 'node:http';

/** Why a body was not taken. */
export type RefusedBody =
  /** Longer than any body may be. */
  | { readonly kind: 'too-large' }
  /** Of another length than this one must have; `found` in words. */
  | { readonly kind: 'wrong-length'; readonly found: string }
  /** The sender went away. */
  | { readonly kind: 'gone' };

export type BodyResult = { readonly kind: 'whole'; readonly bytes: Uint8Array } | RefusedBody;

export interface BodyLimits {
  /** The only length that is right, bytes. */
  readonly expected: number;
  /** The longest body that is read at all, bytes. */
  readonly largest: number;
}

/** What the announced length already decides: before a byte is read, nothing is allocated. */
export function refuseAnnounced(announced: string | undefined, limits: BodyLimits): RefusedBody | null {
  if (announced === undefined) return null;
  const length = Number(announced);
  if (length > limits.largest) return { kind: 'too-large' };
  return length === limits.expected ? null : { kind: 'wrong-length', found: `${length} bytes` };
}

/**
 * Reads a body into one buffer of the expected length. The first byte too many ends the reading: nothing past it is kept,
 * whatever length was announced, if any.
 */
export function readBody(incoming: IncomingMessage, limits: BodyLimits): Promise<BodyResult> {
  const refused = refuseAnnounced(incoming.headers['content-length'], limits);
  if (refused !== null) return Promise.resolve(refused);
  return new Promise((resolve) => {
    let bytes: Uint8Array | null = null;
    let length = 0;
    const end = (result: BodyResult): void => {
      incoming.off('data', onData);
      incoming.off('end', onEnd);
      incoming.off('close', onClose);
      incoming.off('error', onClose);
      resolve(result);
    };
    const onData = (chunk: Uint8Array): void => {
      const from = length;
      length += chunk.length;
      if (length > limits.largest) end({ kind: 'too-large' });
      else if (length > limits.expected)
        end({ kind: 'wrong-length', found: `more than ${limits.expected} bytes` });
      else {
        bytes ??= new Uint8Array(limits.expected);
        bytes.set(chunk, from);
      }
    };
    const onEnd = (): void => {
      if (length === limits.expected) end({ kind: 'whole', bytes: bytes ?? new Uint8Array(0) });
      else end({ kind: 'wrong-length', found: `${length} bytes` });
    };
    const onClose = (): void => {
      end({ kind: 'gone' });
    };
    incoming.on('data', onData);
    incoming.once('end', onEnd);
    incoming.once('close', onClose);
    incoming.once('error', onClose);
    if (incoming.destroyed) onClose();
  });
}

/** Bytes that bodies may take while they are received and evaluated, all together. */
export class ByteBudget {
  readonly #total: number;
  #taken = 0;

  constructor(total: number) {
    this.#total = total;
  }

  get taken(): number {
    return this.#taken;
  }

  /** Takes `bytes`; the returned function gives them back, once. Null when there are not as many left. */
  take(bytes: number): (() => void) | null {
    if (this.#taken + bytes > this.#total) return null;
    this.#taken += bytes;
    let isTaken = true;
    return () => {
      if (isTaken) this.#taken -= bytes;
      isTaken = false;
    };
  }
}
