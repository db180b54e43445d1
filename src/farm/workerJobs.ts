import { CipherconvError } from '../../compiler/base/errors.ts';
import type { Part } from '../../compiler/toeplitz/parts.ts';
import { buildToeplitz } from '../../compiler/toeplitz/program.ts';
import type { ToeplitzProgram } from '../../compiler/toeplitz/program.ts';
import { longWork } from '../../runtime/longWork.ts';
import { messageBytes } from '../../runtime/wire/message.ts';
import { isNetwork } from '../server/plans.ts';
import type { ServedPlan } from '../server/plans.ts';
import type { BufferPool } from '../server/workers/bufferPool.ts';
import type { JobOutcome, WorkerPool } from '../server/workers/pool.ts';
import { fetchBytes } from './bytes.ts';
import { farmJob, FARM_VERSION, failureText, jobId, keysId, sealResult } from './job.ts';
import type { FailureReason, FarmJob } from './job.ts';
import type { KeyCache } from './keyCache.ts';
import { evaluationKeysKey, resultKey, uploadKey } from './names.ts';
import type { BullJob } from './packages.ts';
import { isPartOf, pieceLengths, pieceOf, wholePiece } from './pieces.ts';
import type { Piece } from './pieces.ts';
import type { FarmContext } from './queues.ts';

/** Why a job was not done. `final`: no other attempt would do better. */
class JobFailure extends Error {
  readonly reason: FailureReason;
  readonly isFinal: boolean;

  constructor(reason: FailureReason, text: string, isFinal: boolean) {
    super(text);
    this.name = 'JobFailure';
    this.reason = reason;
    this.isFinal = isFinal;
  }
}

function refuse(reason: FailureReason, text: string): never {
  throw new JobFailure(reason, text, true);
}

/** What the jobs of all plans share. */
interface WorkerTools {
  readonly context: FarmContext;
  readonly pool: WorkerPool;
  readonly keys: KeyCache;
  readonly buffers: BufferPool;
}

/** Does the jobs of one plan. All that it reads in the Redis is foreign until it is checked. */
export class WorkerJobs {
  readonly #context: FarmContext;
  readonly #pool: WorkerPool;
  readonly #plan: ServedPlan;
  readonly #keys: KeyCache;
  readonly #buffers: BufferPool;
  #program: ToeplitzProgram | null = null;

  constructor({ context, pool, keys, buffers }: WorkerTools, plan: ServedPlan) {
    this.#context = context;
    this.#pool = pool;
    this.#plan = plan;
    this.#keys = keys;
    this.#buffers = buffers;
  }

  /** @throws what BullMQ takes for a failure; its message is what the failed set says. */
  async run(job: BullJob, token?: string): Promise<void> {
    const id = job.id ?? '';
    try {
      await this.#run(id, job.data);
    } catch (error) {
      const { UnrecoverableError, WaitingError } = this.#context.packages;
      if (this.#context.connection.refused.aborted) {
        // Not the job's fault. Where this connection is gone too, others take it when its lock expires.
        await job.moveToWait(token).catch(() => undefined);
        throw new WaitingError();
      }
      if (error instanceof JobFailure) {
        // Whoever still waits for it finds it gone and submits it again. Mostly nobody does: it was done, and its worker died
        // or the Redis fell back before that was written.
        if (error.reason === 'upload-missing') job.opts.removeOnFail = true;
        const text = failureText(error.reason, id, error.message);
        throw error.isFinal ? new UnrecoverableError(text) : new Error(text, { cause: error });
      }
      const text = error instanceof Error ? error.message : String(error);
      throw new Error(failureText('evaluation-failed', id, text.slice(0, 300)), { cause: error });
    }
  }

  async #run(id: string, data: unknown): Promise<void> {
    const subject = this.#read(data);
    const piece = this.#pieceOf(subject.part);
    const upload = await this.#upload(id, subject, piece);
    const keys = await this.#keysOf(subject);
    const outcome = await this.#pool.run({
      digest: this.#plan.digest,
      part: subject.part,
      message: upload,
      keys,
      signal: this.#context.connection.refused,
    });
    const response = responseOf(outcome);
    await this.#store(id, response);
    // Whatever else becomes of a job, a process may still be given its upload.
    this.#buffers.give(upload);
    this.#buffers.give(response);
  }

  #read(data: unknown): FarmJob {
    const { digest } = this.#plan;
    if (typeof data === 'object' && data !== null && 'version' in data && data.version !== FARM_VERSION)
      refuse('wrong-version', `this worker speaks version ${FARM_VERSION} of the farm, the job another`);
    const parsed = farmJob.safeParse(data);
    if (!parsed.success) refuse('malformed-job', 'its data are not those of a job');
    if (parsed.data.plan !== digest)
      refuse('wrong-plan', `it is of another plan than the queue's, ${digest}`);
    const needsKeys = this.#plan.evaluationKeyBytes > 0;
    if (needsKeys !== (parsed.data.keys !== null))
      refuse(
        'malformed-job',
        needsKeys ? 'the plan needs evaluation keys' : 'the plan takes no evaluation keys',
      );
    return parsed.data;
  }

  #pieceOf(part: Part | null): Piece {
    const { stored, lengths } = this.#plan;
    if (part === null) return wholePiece(lengths);
    const plan = isNetwork(stored) ? null : stored.plan;
    if (plan?.lowering !== 'toeplitz') refuse('malformed-job', 'a plan with rotations has no parts');
    this.#program ??= longWork(() => buildToeplitz(plan));
    if (!isPartOf(this.#program, part)) refuse('malformed-job', 'the plan has no such part');
    return pieceOf(plan, this.#program, part);
  }

  /** The upload, through the checks of the HTTP server. */
  async #upload(id: string, subject: FarmJob, piece: Piece): Promise<Uint8Array> {
    const { connection } = this.#context;
    const length = messageBytes(pieceLengths(this.#plan.lengths, piece).upload);
    const fetched = await connection.ask(() =>
      fetchBytes(connection.bytes, uploadKey(id), length, this.#buffers.take),
    );
    if (fetched.kind === 'missing') refuse('upload-missing', 'its upload is not there');
    if (fetched.kind === 'wrong') refuse('upload-damaged', `its upload is ${fetched.found}`);
    if (jobId(subject, fetched.bytes) !== id)
      refuse('upload-damaged', 'its upload is not the one that it is named after');
    try {
      this.#plan.check.upload(fetched.bytes, piece.part === null ? null : piece.uploads);
    } catch (error) {
      if (!(error instanceof CipherconvError)) throw error;
      const { where, message } = error.details;
      refuse('malformed-upload', where === undefined ? message : `${where}: ${message}`);
    }
    return fetched.bytes;
  }

  /** The evaluation keys, fetched and checked once. */
  async #keysOf({ keys: id }: FarmJob): Promise<Uint8Array | null> {
    if (id === null) return null;
    const known = this.#keys.get(id);
    if (known !== null) return known;
    const { connection } = this.#context;
    const key = evaluationKeysKey(id);
    const fetched = await connection.ask(() =>
      fetchBytes(connection.bytes, key, this.#plan.evaluationKeyBytes),
    );
    if (fetched.kind === 'missing') refuse('keys-missing', 'its evaluation keys are not there');
    if (fetched.kind === 'wrong' || keysId(fetched.bytes) !== id) {
      // Whoever has them then sends them again.
      await connection.ask((redis) => redis.unlink(key));
      refuse('keys-damaged', 'its evaluation keys are not those that it names');
    }
    try {
      this.#plan.check.keys(fetched.bytes);
    } catch (error) {
      if (!(error instanceof CipherconvError)) throw error;
      refuse('malformed-upload', `evaluation keys: ${error.details.message}`);
    }
    this.#keys.add(id, fetched.bytes);
    return fetched.bytes;
  }

  /** Puts the result there, unless nobody wants it any more: whoever has fetched it takes the upload away. */
  async #store(id: string, response: Uint8Array): Promise<void> {
    const { connection, expireMs } = this.#context;
    const { bytes } = connection;
    const pieces = sealResult(id, response);
    const room = { isMade: false };
    const [, isWanted] = await connection.store(
      // In this order: whoever forgets the job in between finds the result, or is found to have forgotten it.
      () => Promise.all([bytes.set(resultKey(id), pieces, expireMs), bytes.exists(uploadKey(id))]),
      // In a Redis that is full the upload makes room for its own result.
      () => {
        room.isMade = true;
        return connection.redis.unlink(uploadKey(id));
      },
    );
    if (!isWanted && !room.isMade) await connection.ask((redis) => redis.unlink(resultKey(id)));
  }
}

function responseOf(outcome: JobOutcome): Uint8Array {
  switch (outcome.kind) {
    case 'done':
      return outcome.response;
    case 'refused':
      return refuse('malformed-upload', outcome.details.message);
    case 'failed':
      throw new JobFailure('evaluation-failed', `the evaluation ended with ${outcome.reason}`, false);
    case 'deadline':
      throw new JobFailure('deadline', 'its evaluation took too long', false);
    case 'lost':
    case 'abandoned':
    case 'queue-full':
      throw new JobFailure('worker-lost', 'the process that evaluated it ended', false);
    default:
      return outcome satisfies never;
  }
}
