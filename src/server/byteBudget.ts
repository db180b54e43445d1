/** Which limit has no room: that of everybody together, or that of one client. */
export type Shortage = 'everybody' | 'client';

export interface BudgetLimits {
  /** Bytes that all clients may hold together. */
  readonly total: number;
  /** Bytes that one client may hold. */
  readonly perClient: number;
}

/** Bytes that bodies and responses may take while they are received, evaluated and sent. */
export class ByteBudget {
  readonly #limits: BudgetLimits;
  readonly #held = new Map<string, number>();
  #taken = 0;

  constructor(limits: BudgetLimits) {
    this.#limits = limits;
  }

  get taken(): number {
    return this.#taken;
  }

  /** Whether a client could take `bytes` more now, and which limit says no. */
  shortage(client: string, bytes: number): Shortage | null {
    if (this.#taken + bytes > this.#limits.total) return 'everybody';
    return (this.#held.get(client) ?? 0) + bytes > this.#limits.perClient ? 'client' : null;
  }

  /** An account for one request of a client, empty. */
  open(client: string): BudgetAccount {
    return new BudgetAccount(
      (bytes) => this.shortage(client, bytes),
      (bytes) => {
        this.#add(client, bytes);
      },
    );
  }

  #add(client: string, bytes: number): void {
    this.#taken += bytes;
    const held = (this.#held.get(client) ?? 0) + bytes;
    if (held === 0) this.#held.delete(client);
    else this.#held.set(client, held);
  }
}

/** What one request holds of a budget. */
export class BudgetAccount {
  readonly #shortage: (bytes: number) => Shortage | null;
  readonly #add: (bytes: number) => void;
  #taken = 0;
  #isClosed = false;

  constructor(shortage: (bytes: number) => Shortage | null, add: (bytes: number) => void) {
    this.#shortage = shortage;
    this.#add = add;
  }

  /** Takes `bytes` more, or says which limit has no room and takes nothing. */
  take(bytes: number): Shortage | null {
    // The request is over: nobody would give back what is taken now.
    if (this.#isClosed) return null;
    const shortage = this.#shortage(bytes);
    if (shortage !== null) return shortage;
    this.#taken += bytes;
    this.#add(bytes);
    return null;
  }

  /** Gives everything back, and takes nothing more. */
  close(): void {
    if (!this.#isClosed) this.#add(-this.#taken);
    this.#isClosed = true;
  }
}
