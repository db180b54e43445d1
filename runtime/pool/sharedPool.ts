import { disposedError, internalError } from '../../compiler/base/errors.ts';
import { makeSharedMemory } from '../wasm.ts';
import { requireCiphertextCount } from '../seal/ciphertext.ts';
import { requireLength } from '../wire/ciphertexts.ts';
import { cutBuffer, layoutLengths, totalLength } from '../wire/lengths.ts';
import type { MessageLengths } from '../wire/lengths.ts';
import { replyOf, UPLOAD_ALIGNMENT } from './message.ts';
import type { Demand, SharedMemory, WorkerReply, WorkerSetup, WorkerTask } from './message.ts';
import type { EvaluatorPool } from './poolTypes.ts';
import { runTask, startThread } from './thread.ts';
import type { Thread } from './thread.ts';
import { endThreads } from './threadsEnd.ts';
import { countUnits, groupsAsNeeded, planWork } from './workPlan.ts';
import type { WorkPlan } from './workPlan.ts';
import { WorkerSet } from './workerSet.ts';
import { WorkQueue } from './workQueue.ts';
import { layoutOfGroups } from '../../compiler/toeplitz/layout.ts';
import { wireOf } from '../../compiler/toeplitz/plan.ts';
import type { ToeplitzPlan } from '../../compiler/toeplitz/plan.ts';
import type { ToeplitzProgram } from '../../compiler/toeplitz/program.ts';

const LINE = 64;

/** What the threads share, as this one sees it. */
interface Shared {
  readonly work: WorkPlan;
  /** The room of each ciphertext of the upload, and of the response. */
  readonly upload: readonly Uint8Array[];
  readonly response: readonly Uint8Array[];
  /** The whole response. */
  readonly responseBytes: Uint8Array;
  /** What each place is told. */
  readonly places: readonly SharedMemory[];
}

/** Whole lines of the cache, and one more: what is read and written of a stretch ends a few bytes behind it. */
function roundedUp(bytes: number): number {
  return (Math.ceil(bytes / LINE) + 1) * LINE;
}

function nothing(): void {
  // Only that it has ended counts; a promise of the response would keep it.
}

/** Waits for all, then throws the first failure: nobody still writes into the shared memory afterwards. */
async function settleAll<T>(work: readonly Promise<T>[]): Promise<T[]> {
  const settled = await Promise.allSettled(work);
  return settled.map((outcome) => {
    if (outcome.status === 'rejected') throw outcome.reason;
    return outcome.value;
  });
}

/**
 * The direct kernel on several threads over one memory, which also holds the uploads: whoever is free fills the
 * next plane or computes the next piece of the response. One evaluation at a time, because there is one set of everything.
 */
export class SharedPool implements EvaluatorPool {
  readonly #setup: WorkerSetup;
  /** Only threads that have their memory, or are about to get it. */
  readonly #workers: WorkerSet<Thread>;
  readonly #groups: number;
  readonly #lengths: MessageLengths;
  readonly #queueBuffer: SharedArrayBuffer;
  readonly #queue: WorkQueue;
  readonly #isReused: boolean;
  /** Once the first thread has said what it needs. */
  #shared: Shared | null = null;
  /** What has to end before the next evaluation begins. */
  #turn: Promise<unknown> = Promise.resolve();
  /** The replies of the last evaluation, which may come after its end. */
  #replies: Promise<unknown> = Promise.resolve();

  constructor(plan: ToeplitzPlan, program: ToeplitzProgram, count: number, reuseResponse: boolean) {
    this.#setup = { plan, duty: { kind: 'shared' } };
    this.#groups = program.blockGroups.length;
    const layout = layoutOfGroups(program.blockGroups, plan.transfer);
    this.#lengths = layoutLengths(plan.parameters, wireOf(plan), layout);
    this.#queueBuffer = WorkQueue.makeBuffer(this.#groups);
    this.#queue = new WorkQueue(this.#queueBuffer);
    this.#isReused = reuseResponse;
    this.#workers = new WorkerSet(count);
  }

  get workers(): number {
    return this.#workers.size;
  }

  /** Starts a thread at every vacant place and tells it where its memory is. */
  async warmUp(): Promise<void> {
    if (this.#workers.isClosed) throw disposedError('pool');
    await settleAll(this.#workers.vacantPlaces.map((place) => this.#startAt(place)));
  }

  /** A thread that cannot be made ready leaves its place again: the others would wait for it in vain. */
  async #startAt(place: number): Promise<void> {
    const thread = startThread(this.#setup);
    this.#workers.put(place, thread);
    thread.once('workerDestroy', () => {
      this.#replaced(thread);
    });
    try {
      const { demand } = replyOf(await runTask(thread, { kind: 'measure' }, [], undefined), 'demand');
      // All threads need the same.
      this.#shared ??= this.#share(demand);
      const memory = this.#shared.places[place]!;
      replyOf(await runTask(thread, { kind: 'attach', memory }, [], undefined), 'ready');
    } catch (error) {
      await this.#letGo(thread);
      throw error;
    }
  }

  /** One memory: planes, uploads, responses, and what each thread has alone. */
  #share({ planesBytes, ownBytes, planes, pieces }: Demand): Shared {
    const work = planWork({ groups: this.#groups, planes, pieces }, planesBytes);
    const { upload, response } = this.#lengths;
    const uploadAt = work.sets * planesBytes;
    const responseAt = uploadAt + roundedUp(totalLength(upload, UPLOAD_ALIGNMENT));
    const responseBytes = totalLength(response);
    const ownFrom = responseAt + roundedUp(responseBytes);
    const memory = makeSharedMemory(ownFrom + this.workers * ownBytes);
    const places = this.workers;
    return {
      work,
      upload: cutBuffer(memory.buffer, upload, UPLOAD_ALIGNMENT, uploadAt),
      response: cutBuffer(memory.buffer, response, 1, responseAt),
      responseBytes: new Uint8Array(memory.buffer, responseAt, responseBytes),
      places: Array.from({ length: places }, (_, place) => ({
        room: { memory, ownAt: ownFrom + place * ownBytes },
        queue: this.#queueBuffer,
        work,
        place,
        places,
        uploadAt,
        responseAt,
      })),
    };
  }

  async evaluate(
    upload: readonly Uint8Array[],
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<Uint8Array[]> {
    if (this.#workers.isClosed) throw disposedError('pool');
    requireCiphertextCount('upload', this.#lengths.upload.length, upload.length);
    const before = this.#turn;
    const evaluation = (async () => {
      await before;
      await this.#replies;
      await this.warmUp();
      return this.#evaluate(upload, options.signal);
    })();
    this.#turn = evaluation.then(nothing, nothing);
    return evaluation;
  }

  async #evaluate(upload: readonly Uint8Array[], signal: AbortSignal | undefined): Promise<Uint8Array[]> {
    const queue = this.#queue;
    signal?.throwIfAborted();
    // Not before: what waits for its turn is still the caller's.
    this.#lengths.upload.forEach((length, index) => {
      requireLength(upload[index]!, length, `upload[${index}]`);
    });
    const shared = this.#shared;
    if (shared === null) throw internalError('no thread has its memory');
    queue.reset();
    const stop = (): void => {
      queue.cancel();
    };
    signal?.addEventListener('abort', stop);
    try {
      // The threads wake up while their uploads are copied.
      const replies = settleAll(
        this.#workers.present.map(async (thread) =>
          replyOf(await this.#tell(thread, { kind: 'work' }), 'computed'),
        ),
      );
      this.#replies = replies.then(nothing, nothing);
      this.#copyUpload(shared, upload);
      const { work } = shared;
      const isDone = await Promise.race([
        queue.untilAllDone(work.groups * countUnits(work)),
        replies.then(() => true),
      ]);
      // Their failure says why.
      if (!isDone) await replies;
      signal?.throwIfAborted();
      return this.#handOver(shared);
    } finally {
      signal?.removeEventListener('abort', stop);
    }
  }

  /** Group by group: workers begin with what is there. */
  #copyUpload({ work, upload: rooms }: Shared, upload: readonly Uint8Array[]): void {
    const each = rooms.length / work.groups;
    for (const group of groupsAsNeeded(work, this.workers)) {
      for (let index = group * each; index < (group + 1) * each; index++) rooms[index]!.set(upload[index]!);
      this.#queue.open(group);
    }
  }

  /** The response, or a copy of it for whoever keeps it. */
  #handOver({ response, responseBytes }: Shared): Uint8Array[] {
    if (this.#isReused) return [...response];
    const copy = new Uint8Array(responseBytes.length);
    copy.set(responseBytes);
    return cutBuffer(copy.buffer, this.#lengths.response);
  }

  /** The reply of a worker. A thread that is lost is let go, and nobody waits for it. */
  async #tell(thread: Thread, task: WorkerTask): Promise<WorkerReply> {
    try {
      return await runTask(thread, task, [], undefined);
    } catch (error) {
      this.#queue.cancel();
      await this.#letGo(thread);
      throw error;
    }
  }

  /**
   * A thread has ended, for whatever reason, and piscina may put a new one in its place, which has no memory. Not ended at once:
   * piscina is just dealing with the exit, for which `endThreads` would wait in vain.
   */
  #replaced(thread: Thread): void {
    this.#workers.remove(thread);
    queueMicrotask(() => void endThreads(thread));
  }

  async #letGo(thread: Thread): Promise<void> {
    this.#workers.remove(thread);
    await endThreads(thread);
  }

  async dispose(): Promise<void> {
    await this.#workers.close((thread) => endThreads(thread));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }
}
