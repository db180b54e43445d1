import { joinResponses, cutUpload, pieceLengths } from './pieces.ts';
import { CipherconvError } from '../../compiler/base/errors.ts';
import { decodeMessage, messageBytes } from '../../runtime/wire/message.ts';
import { jobId } from './job.ts';
import type { FailureReason } from './job.ts';
import { PLANS_KEY } from './names.ts';
import type { FarmPlan } from './plan.ts';
import { bullOptions, ignore, openQueue } from './queues.ts';
import type { FarmContext } from './queues.ts';
import { Room } from './room.ts';
import { KeysInRedis, submittedKeys } from './submittedKeys.ts';
import type { SubmittedKeys } from './submittedKeys.ts';
import { Submitter } from './submitter.ts';
import type { JobRequest } from './submitter.ts';

/** How an upload ended. */
export type UploadOutcome =
  | { readonly kind: 'done'; readonly response: Uint8Array }
  | { readonly kind: 'failed'; readonly job: string; readonly reason: FailureReason; readonly text: string };

/** An upload cut into jobs. */
export interface UploadJobs {
  readonly requests: readonly JobRequest[];
  /** Of uploads and results together, while they are in the Redis. */
  readonly bytes: number;
}

/** Uploads of one plan on their way through the farm. */
export class PlanQueue {
  readonly plan: FarmPlan;
  readonly room: Room;
  readonly #submitter: Submitter;
  readonly #workersCount: () => Promise<number>;

  private constructor(plan: FarmPlan, room: Room, submitter: Submitter, workersCount: () => Promise<number>) {
    this.plan = plan;
    this.room = room;
    this.#submitter = submitter;
    this.#workersCount = workersCount;
  }

  /**
   * @param mostWaiting jobs that may wait in the queue before nobody adds to it
   * @throws CipherconvError `server` when the Redis cannot be used.
   */
  static async open(context: FarmContext, plan: FarmPlan, mostWaiting: number): Promise<PlanQueue> {
    const { connection, packages } = context;
    const queue = await openQueue(context, plan.digest);
    const events = new packages.QueueEvents(plan.digest, bullOptions(context));
    events.on('error', ignore);
    await connection.ask(() => events.waitUntilReady());
    await connection.store((redis) => redis.hset(PLANS_KEY, plan.digest, plan.name));
    const submitter = new Submitter(context, queue, events, new KeysInRedis(context));
    return new PlanQueue(plan, new Room(connection, queue, mostWaiting), submitter, () =>
      connection.ask(() => queue.getWorkersCount()),
    );
  }

  /** Jobs of this submitter that are under way. */
  get size(): number {
    return this.#submitter.size;
  }

  /** Workers that take jobs of this plan now. */
  workers(): Promise<number> {
    return this.#workersCount();
  }

  /**
   * The jobs of an upload. Nothing has gone to the Redis yet when this refuses it.
   * @param keys what `checkedKeys` gave
   * @throws CipherconvError `malformed-message` or `wrong-plan` for bytes of another length or plan.
   */
  jobsOf(message: Uint8Array, keys: SubmittedKeys | null): UploadJobs {
    const { digest, lengths, pieces } = this.plan;
    decodeMessage(message, { kind: 'upload', digest, lengths: lengths.upload });
    const requests = pieces.map((piece) => {
      const subject = { plan: digest, keys: keys?.id ?? null, part: piece.part };
      const upload = cutUpload(message, this.plan, piece);
      const responseBytes = messageBytes(pieceLengths(lengths, piece).response);
      return { id: jobId(subject, upload), subject, upload, responseBytes, keys };
    });
    const bytes = requests.reduce((sum, { upload, responseBytes }) => sum + upload.length + responseBytes, 0);
    return { requests, bytes };
  }

  /**
   * Evaluation keys, checked as a server checks them.
   * @throws CipherconvError `usage` where keys are missing or the plan takes none, else as `jobsOf` does.
   */
  checkedKeys(message: Uint8Array | null): SubmittedKeys | null {
    const { evaluationKeyBytes, check } = this.plan;
    if (evaluationKeyBytes === 0) {
      if (message !== null) refuseKeys('the plan takes no evaluation keys');
      return null;
    }
    if (message === null)
      return refuseKeys(
        'the plan needs evaluation keys',
        'keygen --evaluation-keys FILE makes them; farm submit takes them with --evaluation-keys FILE',
      );
    check.keys(message);
    return submittedKeys(message);
  }

  /**
   * Has the jobs of an upload done, and puts their results together. Bytes stay in the Redis until `forget`.
   * @throws as `Submitter.run` does.
   */
  async run({ requests }: UploadJobs, signal: AbortSignal | null): Promise<UploadOutcome> {
    const outcomes = await Promise.all(requests.map((request) => this.#submitter.run(request, signal)));
    const responses: Uint8Array[] = [];
    const { digest, lengths, pieces } = this.plan;
    for (const [index, outcome] of outcomes.entries()) {
      if (outcome.kind === 'failed') {
        const { id, reason, text } = outcome;
        return { kind: 'failed', job: id, reason, text };
      }
      // Foreign: whoever writes into the Redis may have written this.
      const expected = {
        kind: 'response',
        digest,
        lengths: pieceLengths(lengths, pieces[index]!).response,
      } as const;
      decodeMessage(outcome.response, expected);
      responses.push(outcome.response);
    }
    return { kind: 'done', response: joinResponses(responses, this.plan) };
  }

  /** Takes the bytes of an upload and of its results out of the Redis. */
  async forget({ requests }: UploadJobs): Promise<void> {
    await Promise.all(requests.map((request) => this.#submitter.forget(request)));
  }

  close(): Promise<void> {
    return this.#submitter.close();
  }
}

function refuseKeys(message: string, hint?: string): never {
  throw new CipherconvError({
    code: 'usage',
    where: 'evaluation keys',
    message,
    ...(hint === undefined ? {} : { hint }),
  });
}
