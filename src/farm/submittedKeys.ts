import { keysId } from './job.ts';
import { evaluationKeysKey } from './names.ts';
import type { FarmContext } from './queues.ts';

/** The evaluation keys of a submitter, which are public: they decrypt nothing. */
export interface SubmittedKeys {
  readonly id: string;
  readonly message: Uint8Array;
}

export function submittedKeys(message: Uint8Array): SubmittedKeys {
  return { id: keysId(message), message };
}

/** Evaluation keys travel once: while they are known to be there, nothing is sent. */
export class KeysInRedis {
  readonly #context: FarmContext;
  /** Until when keys are known to be there, by their id: time of `performance.now()`. */
  readonly #known = new Map<string, number>();
  /** Those that are being looked for or sent now: all jobs that need them wait for the same. */
  readonly #underWay = new Map<string, Promise<void>>();

  constructor(context: FarmContext) {
    this.#context = context;
  }

  /** The next use looks whether they are still there. */
  doubt(): void {
    this.#known.clear();
  }

  /** Puts keys there, or makes them stay for longer. */
  async keep(keys: SubmittedKeys): Promise<void> {
    const { id } = keys;
    if ((this.#known.get(id) ?? 0) > performance.now()) return;
    const known = this.#underWay.get(id);
    if (known !== undefined) return known;
    const sent = this.#send(keys).finally(() => this.#underWay.delete(id));
    this.#underWay.set(id, sent);
    await sent;
  }

  async #send({ id, message }: SubmittedKeys): Promise<void> {
    const { connection, expireMs } = this.#context;
    const now = performance.now();
    const key = evaluationKeysKey(id);
    const isThere = await connection.ask(async (redis) => {
      const length = await redis.strlen(key).catch(noString);
      return length === message.length && (await redis.pexpire(key, expireMs)) === 1;
    });
    if (!isThere) await connection.store(() => connection.bytes.set(key, [message], expireMs));
    this.#known.set(id, now + expireMs / 2);
  }
}

/** What somebody else put there is overwritten. */
function noString(error: unknown): null {
  if (error instanceof Error && error.message.startsWith('WRONGTYPE')) return null;
  throw error;
}
