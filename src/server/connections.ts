import { clientOf } from './rateLimit.ts';

/** What of a socket is needed. */
export interface Connection {
  readonly remoteAddress?: string | undefined;
  destroy(): unknown;
  once(event: 'close', listener: () => void): unknown;
}

export interface ConnectionLimits {
  /** Connections at the same time, of all clients together. */
  readonly total: number;
  /** Connections at the same time of one client. */
  readonly perClient: number;
}

interface Entry {
  readonly client: string;
  /** Whole requests of the connection that are being worked on. */
  held: number;
}

/**
 * Who is connected. Where a limit is reached, the newcomer takes the place of the connection from which the server has been
 * waiting for something (a head, the rest of a body, another request) for the longest time; one whose request is being worked
 * on keeps its place. So connections that send nothing keep nobody out.
 */
export class Connections {
  readonly #limits: ConnectionLimits;
  readonly #entries = new Map<Connection, Entry>();
  readonly #counts = new Map<string, number>();
  /** Of all entries those that are waited for, the longest first. */
  readonly #waiting = new Set<Connection>();

  constructor(limits: ConnectionLimits) {
    this.#limits = limits;
  }

  get count(): number {
    return this.#entries.size;
  }

  /** Takes a new connection, at the cost of another one where it must be; ends it where no other can be ended. */
  add(socket: Connection): void {
    const client = clientOf(socket.remoteAddress ?? 'unknown');
    if (!this.#makeRoom(client)) {
      socket.destroy();
      return;
    }
    this.#entries.set(socket, { client, held: 0 });
    this.#counts.set(client, (this.#counts.get(client) ?? 0) + 1);
    this.#waiting.add(socket);
    socket.once('close', () => {
      this.#remove(socket);
    });
  }

  /** Keeps a connection from being ended for others, until the returned function is called. */
  hold(socket: Connection): () => void {
    const entry = this.#entries.get(socket);
    if (entry === undefined) return () => undefined;
    entry.held++;
    this.#waiting.delete(socket);
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      entry.held--;
      if (entry.held === 0 && this.#entries.has(socket)) this.#waiting.add(socket);
    };
  }

  #makeRoom(client: string): boolean {
    const isClientFull = (this.#counts.get(client) ?? 0) >= this.#limits.perClient;
    if (!isClientFull && this.#entries.size < this.#limits.total) return true;
    const oldest = isClientFull ? this.#oldestOf(client) : this.#oldest();
    if (oldest === undefined) return false;
    this.#remove(oldest);
    oldest.destroy();
    return true;
  }

  #oldest(): Connection | undefined {
    const [oldest] = this.#waiting;
    return oldest;
  }

  #oldestOf(client: string): Connection | undefined {
    for (const socket of this.#waiting) if (this.#entries.get(socket)?.client === client) return socket;
    return undefined;
  }

  #remove(socket: Connection): void {
    const entry = this.#entries.get(socket);
    if (entry === undefined) return;
    this.#entries.delete(socket);
    this.#waiting.delete(socket);
    const left = (this.#counts.get(entry.client) ?? 1) - 1;
    if (left === 0) this.#counts.delete(entry.client);
    else this.#counts.set(entry.client, left);
  }
}
