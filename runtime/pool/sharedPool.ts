import { disposedError } from '../../compiler/base/errors.ts';
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
import { planWork } from './workPlan.ts';
import { WorkerSet } from './workerSet.ts';
import { WorkQueue } from './workQueue.ts';
import { layoutOfGroups } from '../../compiler/toeplitz/layout.ts';
import { wireOf } from '../../compiler/toeplitz/plan.ts';
import type { ToeplitzPlan } from '../../compiler/toeplitz/plan.ts';
import type { ToeplitzProgram } from '../../compiler/toeplitz/program.ts';

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
  readonly #queueBuffer = WorkQueue.makeBuffer();
  readonly #queue = new WorkQueue(this.#queueBuffer);
  readonly #upload: SharedArrayBuffer;
  /** The room of each ciphertext in it. */
  readonly #uploadRooms: readonly Uint8Array[];
  readonly #response: SharedArrayBuffer;
  readonly #responseRooms: readonly Uint8Array[];
  readonly #isReused: boolean;
  /** One for each place, once the first thread has said what it needs. */
  #memories: readonly SharedMemory[] | null = null;
  /** What has to end before the next evaluation begins. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(plan: ToeplitzPlan, program: ToeplitzProgram, count: number, reuseResponse: boolean) {
    this.#setup = { plan, duty: { kind: 'shared' } };
    this.#groups = program.blockGroups.length;
    const layout = layoutOfGroups(program.blockGroups, plan.transfer);
    this.#lengths = layoutLengths(plan.parameters, wireOf(plan), layout);
    this.#upload = new SharedArrayBuffer(totalLength(this.#lengths.upload, UPLOAD_ALIGNMENT));
    this.#uploadRooms = cutBuffer(this.#upload, this.#lengths.upload, UPLOAD_ALIGNMENT);
    this.#response = new SharedArrayBuffer(totalLength(this.#lengths.response));
    this.#responseRooms = cutBuffer(this.#response, this.#lengths.response);
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
    try {
      const { demand } = replyOf(await runTask(thread, { kind: 'measure' }, [], undefined), 'demand');
      // All threads need the same.
      this.#memories ??= this.#shareMemory(demand);
      const memory = this.#memories[place]!;
      replyOf(await runTask(thread, { kind: 'attach', memory }, [], undefined), 'ready');
    } catch (error) {
      await this.#letGo(thread);
      throw error;
    }
  }

  #shareMemory({ planesBytes, ownBytes, planes, pieces }: Demand): SharedMemory[] {
    const work = planWork({ groups: this.#groups, planes, pieces }, planesBytes);
    const ownFrom = work.sets * planesBytes;
    const memory = makeSharedMemory(ownFrom + this.workers * ownBytes);
    const shared = { queue: this.#queueBuffer, work, upload: this.#upload, response: this.#response };
    return Array.from({ length: this.workers }, (_, index) => ({
      ...shared,
      room: { memory, ownAt: ownFrom + index * ownBytes },
    }));
  }

  async evaluate(
    upload: readonly Uint8Array[],
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<Uint8Array[]> {
    if (this.#workers.isClosed) throw disposedError('pool');
    requireCiphertextCount('upload', this.#uploadRooms.length, upload.length);
    const before = this.#turn;
    const evaluation = (async () => {
      await before;
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
    this.#uploadRooms.forEach(({ length }, index) => {
      requireLength(upload[index]!, length, `upload[${index}]`);
    });
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
      this.#uploadRooms.forEach((room, index) => {
        room.set(upload[index]!);
      });
      queue.open();
      await replies;
      signal?.throwIfAborted();
      return this.#handOver();
    } finally {
      signal?.removeEventListener('abort', stop);
    }
  }

  /** The response, or a copy of it for whoever keeps it. */
  #handOver(): Uint8Array[] {
    if (this.#isReused) return [...this.#responseRooms];
    const copy = new Uint8Array(this.#response.byteLength);
    copy.set(new Uint8Array(this.#response));
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

  async #letGo(thread: Thread): Promise<void> {
    this.#workers.remove(thread);
    await thread.destroy();
  }

  async dispose(): Promise<void> {
    await this.#workers.close((thread) => thread.destroy());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }
}
