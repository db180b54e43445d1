import { resultKey, uploadKey } from './names.ts';
import type { BullQueue } from './packages.ts';
import type { FarmContext } from './queues.ts';

/**
 * Jobs that are remembered after they were taken out. A Redis that was killed has lost a second or two of what it had
 * acknowledged, in which one process cannot take out so many.
 */
const MOST_REMEMBERED = 4096;
/** How many are taken out again at the same time. */
const STRIDE = 64;

/**
 * Takes jobs of one plan out of the Redis that nobody needs any more: their bytes, and what is left of them in the queue. A
 * Redis that comes back may have an older state, in which they are there again; then they are taken out again.
 */
export class Removals {
  readonly #context: FarmContext;
  readonly #queue: BullQueue;
  readonly #isNeeded: (id: string) => boolean;
  /** The latest is the last. */
  readonly #removed = new Set<string>();
  readonly #stopListening: () => void;
  /** Resolves when everything that came back so far is taken out again. */
  #again: Promise<void> = Promise.resolve();

  /** @param isNeeded whether somebody waits for a job, or has not written its result yet */
  constructor(context: FarmContext, queue: BullQueue, isNeeded: (id: string) => boolean) {
    this.#context = context;
    this.#queue = queue;
    this.#isNeeded = isNeeded;
    this.#stopListening = context.connection.whenBack(() => {
      // What cannot be taken out then expires, or a worker lets go of it.
      this.#again = this.#again.then(() => this.#repeat()).catch(() => undefined);
    });
  }

  /** Nothing is done when somebody needs the job. A worker that has it in hand finds its upload gone. */
  async remove(id: string): Promise<void> {
    if (this.#isNeeded(id)) return;
    this.#remember(id);
    await this.#context.connection.ask(async (redis) => {
      const [, isQueued] = await Promise.all([
        redis.unlink(uploadKey(id), resultKey(id)),
        redis.exists(this.#queue.toKey(id)),
      ]);
      // Hardly ever: it was submitted again, its worker has not said yet that it is done, or it failed for good, which stays.
      if (isQueued === 0 || (await this.#queue.getJobState(id)) === 'failed') return;
      if (!this.#isNeeded(id)) await this.#queue.remove(id);
    });
  }

  /** Resolves when nothing is being taken out again, or it cannot be; nothing will be from now on. */
  async close(): Promise<void> {
    this.#stopListening();
    if (!this.#context.connection.isAway) await this.#again;
  }

  #remember(id: string): void {
    this.#removed.delete(id);
    this.#removed.add(id);
    if (this.#removed.size <= MOST_REMEMBERED) return;
    const [oldest = id] = this.#removed;
    this.#removed.delete(oldest);
  }

  async #repeat(): Promise<void> {
    const ids = [...this.#removed];
    for (let first = 0; first < ids.length; first += STRIDE)
      await Promise.all(ids.slice(first, first + STRIDE).map((id) => this.remove(id)));
  }
}
