import { randomBytes } from 'node:crypto';
import type { Shortage } from './byteBudget.ts';

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
  /** Bytes of all keys that one client uploaded. */
  readonly bytesPerClient: number;
  /** Share of the sets that one client may have uploaded, above 0, at most 1. */
  readonly addressShare: number;
  /** How long unused keys are kept, milliseconds. */
  readonly idleMs: number;
}

export type AddedKeys =
  { readonly kind: 'added'; readonly id: string } | { readonly kind: 'no-room'; readonly shortage: Shortage };

/** Sets of keys that are held, whatever they weigh. */
const MOST_SETS = 1000;
/** 128 random bits: whoever can name keys has been told their id. */
const ID_BYTES = 16;

interface Entry extends StoredKeys {
  /** Who uploaded them. */
  readonly client: string;
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

  /**
   * Whether keys of so many bytes can be taken now, and which limit says no: nobody's keys make room for somebody else's
   * before they expire.
   */
  shortage(client: string, bytes: number): Shortage | null {
    const { bytesPerClient, addressShare } = this.#limits;
    if (this.bytes + bytes > this.#limits.bytes || this.#entries.size >= MOST_SETS) return 'everybody';
    const own = this.#entriesOf(client);
    const ownBytes = own.reduce((sum, { message }) => sum + message.length, 0);
    return ownBytes + bytes > bytesPerClient || own.length >= MOST_SETS * addressShare ? 'client' : null;
  }

  /** Keeps keys, where there is room. */
  add(client: string, digest: string, message: Uint8Array): AddedKeys {
    const shortage = this.shortage(client, message.length);
    if (shortage !== null) return { kind: 'no-room', shortage };
    const id = randomBytes(ID_BYTES).toString('hex');
    this.#entries.set(id, { id, digest, message, client, usedAt: this.#now() });
    this.#bytes += message.length;
    return { kind: 'added', id };
  }

  /** The keys of that name, if they are of that plan and not expired. */
  use(id: string, digest: string): StoredKeys | null {
    this.#expire();
    const entry = this.#entries.get(id);
    if (entry?.digest !== digest) return null;
    entry.usedAt = this.#now();
    return entry;
  }

  /** Seconds until the first keys expire that nobody uses, of one client or (null) of all. */
  secondsToRoom(client: string | null): number {
    const entries = client === null ? [...this.#entries.values()] : this.#entriesOf(client);
    const oldest = entries.reduce((least, { usedAt }) => Math.min(least, usedAt), Infinity);
    if (!Number.isFinite(oldest)) return 0;
    return Math.max(1, Math.ceil((oldest + this.#limits.idleMs - this.#now()) / 1000));
  }

  #entriesOf(client: string): Entry[] {
    return [...this.#entries.values()].filter((entry) => entry.client === client);
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
