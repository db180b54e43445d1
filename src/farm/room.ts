import type { FarmConnection } from './connection.ts';
import type { BullQueue } from './packages.ts';

/** How much a Redis may hold before nobody adds to it: the rest is for results, and for the queue itself. */
const FULL_SHARE = 0.85;
/** How long one look is believed, milliseconds. */
const BELIEVED_MS = 250;
const PAUSE_MS = 250;

interface Look {
  readonly at: number;
  readonly waiting: number;
  readonly usedBytes: number;
  /** 0: no limit. */
  readonly limitBytes: number;
}

/** Whether another job may be added: asked before each, so that neither the queue nor the memory of the Redis fills up. */
export class Room {
  readonly #connection: FarmConnection;
  readonly #queue: BullQueue;
  readonly #mostWaiting: number;
  #last: Look | null = null;
  /** Added since the last look. */
  #jobs = 0;
  #bytes = 0;

  constructor(connection: FarmConnection, queue: BullQueue, mostWaiting: number) {
    this.#connection = connection;
    this.#queue = queue;
    this.#mostWaiting = mostWaiting;
  }

  /** Jobs that wait, as far as is known without asking. */
  get waiting(): number {
    return (this.#last?.waiting ?? 0) + this.#jobs;
  }

  /** Waits until there is room for jobs of so many bytes together. */
  async enter(jobs: number, bytes: number): Promise<void> {
    for (;;) {
      const shortage = await this.shortage(bytes);
      if (shortage === null) break;
      this.#connection.tellFull(shortage);
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
    this.#connection.tellRoom();
    this.take(jobs, bytes);
  }

  /** Counts jobs of so many bytes together as added. */
  take(jobs: number, bytes: number): void {
    this.#jobs += jobs;
    this.#bytes += bytes;
  }

  /** Why nothing should be added now; null when it may be. */
  async shortage(bytes: number): Promise<string | null> {
    const { waiting, usedBytes, limitBytes } = await this.#look();
    if (waiting + this.#jobs >= this.#mostWaiting) return `${waiting + this.#jobs} jobs wait in it`;
    if (limitBytes > 0 && usedBytes + this.#bytes + bytes > limitBytes * FULL_SHARE) {
      return `${usedBytes + this.#bytes} of ${limitBytes} bytes are taken`;
    }
    return null;
  }

  async #look(): Promise<Look> {
    const now = performance.now();
    if (this.#last !== null && now - this.#last.at < BELIEVED_MS) return this.#last;
    this.#last = await this.#connection.ask(async (redis) => {
      const [info, counts] = await Promise.all([redis.info('memory'), this.#queue.getJobCounts('wait')]);
      const { usedBytes, limitBytes } = memoryOf(info);
      return { at: performance.now(), waiting: counts['wait'] ?? 0, usedBytes, limitBytes };
    });
    this.#jobs = 0;
    this.#bytes = 0;
    return this.#last;
  }
}

/** What `INFO memory` says of it. */
export function memoryOf(info: string): { readonly usedBytes: number; readonly limitBytes: number } {
  const field = (name: string): number => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? 0);
  return { usedBytes: field('used_memory'), limitBytes: field('maxmemory') };
}
