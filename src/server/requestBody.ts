import type { BudgetAccount, Shortage } from './byteBudget.ts';
import type { BodySource } from './peer.ts';

/** Why a body was not taken. */
export type RefusedBody =
  /** Longer than any body may be. */
  | { readonly kind: 'too-large' }
  /** Of another length than this one must have; `found` in words. */
  | { readonly kind: 'wrong-length'; readonly found: string }
  /** It came more slowly than a body must. */
  | { readonly kind: 'too-slow' }
  | { readonly kind: 'no-room'; readonly shortage: Shortage }
  /** The sender went away. */
  | { readonly kind: 'gone' };

export type BodyResult = { readonly kind: 'whole'; readonly bytes: Uint8Array } | RefusedBody;

export interface BodyLimits {
  /** The only length that is right, bytes. */
  readonly expected: number;
  /** The longest body that is read at all, bytes. */
  readonly largest: number;
}

/** How fast a body must come: after `graceMs` at least so many bytes a second since it began; 0: at any speed. */
export interface BodyPace {
  readonly bytesPerSecond: number;
  readonly graceMs: number;
}

/** Of the memory for a body of any size, bytes; it then grows with what has arrived. */
const FIRST_BYTES = 2 ** 16;

/** What the announced length already decides: before a byte is read, nothing is allocated. */
export function refuseAnnounced(announced: string | undefined, limits: BodyLimits): RefusedBody | null {
  if (announced === undefined) return null;
  const length = Number(announced);
  if (length > limits.largest) return { kind: 'too-large' };
  return length === limits.expected ? null : { kind: 'wrong-length', found: `${length} bytes` };
}

/** A body as far as it has come, in memory that is charged to an account before it is allocated. */
class GrowingBody {
  readonly #expected: number;
  readonly #account: BudgetAccount;
  #bytes = new Uint8Array(0);
  length = 0;

  constructor(expected: number, account: BudgetAccount) {
    this.#expected = expected;
    this.#account = account;
  }

  /** Exactly what came. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.length);
  }

  /** The body must not pass its expected length with it. */
  push(chunk: Uint8Array): Shortage | null {
    const length = this.length + chunk.length;
    if (length > this.#bytes.length) {
      const size = Math.min(this.#expected, Math.max(FIRST_BYTES, length, 2 * this.#bytes.length));
      const shortage = this.#account.take(size - this.#bytes.length);
      if (shortage !== null) return shortage;
      const grown = new Uint8Array(size);
      grown.set(this.bytes);
      this.#bytes = grown;
    }
    this.#bytes.set(chunk, this.length);
    this.length = length;
    return null;
  }
}

/** Calls `onSlow` when less has come than the pace asks for; `stop` ends the watch. */
function watchPace(
  { bytesPerSecond, graceMs }: BodyPace,
  came: () => number,
  onSlow: () => void,
): () => void {
  if (bytesPerSecond === 0) return () => undefined;
  const began = performance.now();
  /** Until when what has come is enough, milliseconds from the beginning. */
  const enoughUntil = (): number => graceMs + (came() / bytesPerSecond) * 1000;
  let timer: NodeJS.Timeout;
  const look = (): void => {
    const left = began + enoughUntil() - performance.now();
    if (left <= 0) onSlow();
    else timer = setTimeout(look, left + 1);
  };
  timer = setTimeout(look, graceMs + 1);
  return () => {
    clearTimeout(timer);
  };
}

/**
 * Reads a body of the expected length into memory that grows as it comes, charged to `account`. The first byte too many ends
 * the reading: nothing past it is kept, whatever length was announced, if any.
 */
export function readBody(
  source: BodySource,
  limits: BodyLimits,
  account: BudgetAccount,
  pace: BodyPace,
): Promise<BodyResult> {
  const refused = refuseAnnounced(source.announced, limits);
  if (refused !== null) return Promise.resolve(refused);
  return new Promise((resolve) => {
    const body = new GrowingBody(limits.expected, account);
    let came = 0;
    const reading: { stop: (() => void) | null; isEnded: boolean } = { stop: null, isEnded: false };
    const end = (result: BodyResult): void => {
      reading.isEnded = true;
      stopWatch();
      reading.stop?.();
      resolve(result);
    };
    const stopWatch = watchPace(
      pace,
      () => came,
      () => {
        end({ kind: 'too-slow' });
      },
    );
    reading.stop = source.read({
      onData: (chunk) => {
        came += chunk.length;
        if (came > limits.largest) end({ kind: 'too-large' });
        else if (came > limits.expected)
          end({ kind: 'wrong-length', found: `more than ${limits.expected} bytes` });
        else {
          const shortage = body.push(chunk);
          if (shortage !== null) end({ kind: 'no-room', shortage });
        }
      },
      onEnd: () => {
        if (came === limits.expected) end({ kind: 'whole', bytes: body.bytes });
        else end({ kind: 'wrong-length', found: `${came} bytes` });
      },
      onGone: () => {
        end({ kind: 'gone' });
      },
    });
    // It may have ended while it began.
    if (reading.isEnded) reading.stop();
  });
}
