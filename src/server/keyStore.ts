import { randomBytes } from 'node:crypto';

/** What a client uploaded, to be named by later requests. */
export interface StoredKeys {
  readonly id: string;
  readonly digest: string;
  /** The evaluation keys message. */
  readonly message: Uint8Array;
}

export interface KeyStoreLimits {
  /** Bytes of all keys together; 0: none are taken. */
  readonly bytes: number;
  /** How long unused keys are kept, milliseconds. */
  readonly idleMs: number;
}

/** Sets of keys that are held, whatever they weigh. */
const MOST_SETS = 1000;
/** 128 random bits: whoever can name keys has been told their id. */
const ID_BYTES = 16;

interface Entry extends StoredKeys {
  usedAt: number;
}

/** Evaluation keys of clients, in memory only, forgotten when they are not used. They decrypt nothing. */
export class KeyStore {
  readonly #limits: KeyStoreLimits;
  readonly #now: () => number;
  readonly #entries = new Map<string, Entry>();
  #bytes = 0;

  constructor(limits: KeyStoreLimits, now: () => number = () => performance.now()) {
    this.#limits = limits;
    this.#now = now;
  }

  get bytes(): number {
    this.#expire();
    return this.#bytes;
  }

  /** Whether keys of so many bytes can be taken now: nobody's keys make room for somebody else's before they expire. */
  hasRoom(bytes: number): boolean {
    return this.bytes + bytes <= this.#limits.bytes && this.#entries.size < MOST_SETS;
  }

  /** Keeps keys; null when there is no room. */
  add(digest: string, message: Uint8Array): string | null {
    if (!this.hasRoom(message.length)) return null;
    const id = randomBytes(ID_BYTES).toString('hex');
    this.#entries.set(id, { id, digest, message, usedAt: this.#now() });
    this.#bytes += message.length;
    return id;
  }

  /** The keys of that name, if they are of that plan and not expired. */
  use(id: string, digest: string): StoredKeys | null {
    this.#expire();
    const entry = this.#entries.get(id);
    if (entry?.digest !== digest) return null;
    entry.usedAt = this.#now();
    return entry;
  }

  /** Seconds until the first keys expire that nobody uses. */
  secondsToRoom(): number {
    const oldest = [...this.#entries.values()].reduce(
      (least, { usedAt }) => Math.min(least, usedAt),
      Infinity,
    );
    if (!Number.isFinite(oldest)) return 0;
    return Math.max(1, Math.ceil((oldest + this.#limits.idleMs - this.#now()) / 1000));
  }

  #expire(): void {
    const limit = this.#now() - this.#limits.idleMs;
    for (const [id, { usedAt, message }] of this.#entries) {
      if (usedAt > limit) continue;
      this.#entries.delete(id);
      this.#bytes -= message.length;
    }
  }
}
