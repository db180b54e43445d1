/** Whether a server was ever reached, and how long one that was and answers no more is tried: a restart takes seconds. */

/** Time, as retries take it. */
export interface Timer {
  /** Milliseconds, from whenever. */
  now(): number;
  /** Resolves after that many milliseconds; rejects with the reason of `signal` as soon as that aborts. */
  sleep(milliseconds: number, signal: AbortSignal | null): Promise<void>;
}

export const platformTimer: Timer = { now: () => performance.now(), sleep };

const FIRST_WAIT_MS = 200;
/** A server that is back is found soon. */
const LONGEST_PATIENT_WAIT_MS = 4000;

/** Before the try that follows so many that nobody answered, milliseconds. */
export function growingWaitMs(failures: number, longestMs: number): number {
  // Half of the wait by chance, so that clients that failed together do not return together.
  const wait = FIRST_WAIT_MS * 2 ** (failures - 1) * (0.5 + Math.random() / 2);
  return Math.min(wait, longestMs);
}

/** A server as the requests of one session find it; they share it. */
export class Contact {
  readonly #onUnanswered: () => void;
  #wasAnswered = false;
  #isTold = false;

  constructor(onUnanswered: (() => void) | undefined) {
    this.#onUnanswered = onUnanswered ?? ((): void => undefined);
  }

  answered(): void {
    this.#wasAnswered = true;
    this.#isTold = false;
  }

  /** Whether a failure is one that may pass: the server answered before, and now nobody does. */
  isLost(error: unknown): boolean {
    return this.#wasAnswered && isNobody(error);
  }

  /** Tells of it, once until the server answers again. */
  tell(): void {
    if (this.#isTold) return;
    this.#isTold = true;
    this.#onUnanswered();
  }
}

/** Milliseconds until the next patient try; null: the time is over. The last try is at its very end. */
export function patientWaitMs(failures: number, { lostMs, patienceMs }: Lost): number | null {
  const left = patienceMs - lostMs;
  return left <= 0 ? null : Math.min(growingWaitMs(failures, LONGEST_PATIENT_WAIT_MS), left);
}

interface Lost {
  /** Since the first try that nobody answered. */
  readonly lostMs: number;
  readonly patienceMs: number;
}

/** What Node says of connections that could not be made, or that ended before an answer. */
const NOBODY = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTDOWN',
  'EHOSTUNREACH',
  'ENETDOWN',
  'ENETUNREACH',
  'EAI_AGAIN',
  'UND_ERR_SOCKET',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** Browsers say of every failure only TypeError; Node adds a cause, such as a redirect or a certificate, which stays. */
function isNobody(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { cause } = error;
  if (cause === undefined) return error instanceof TypeError;
  return cause instanceof Error && 'code' in cause && NOBODY.has(String(cause.code));
}

function sleep(milliseconds: number, signal: AbortSignal | null): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(reasonOf(signal));
      return;
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, milliseconds);
    const stop = (): void => {
      clearTimeout(timer);
      reject(reasonOf(signal));
    };
    signal?.addEventListener('abort', stop, { once: true });
  });
}

/** Why a signal has aborted. */
export function reasonOf(signal: AbortSignal | null): Error {
  const reason: unknown = signal?.reason;
  return reason instanceof Error ? reason : new DOMException('The operation was aborted', 'AbortError');
}
