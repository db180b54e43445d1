import { internalError } from '../../compiler/errors.ts';
import type { ToeplitzPlan } from '../../compiler/plan.ts';
import type { ToeplitzProgram } from '../../compiler/program.ts';
import { makeSharedMemory } from '../kernels/wasm.ts';
import { requireCiphertextCount } from '../seal/ciphertext.ts';
import { requireLength } from '../wire/ciphertexts.ts';
import { cutBuffer, groupLengths, totalLength } from '../wire/lengths.ts';
import { replyOf } from './message.ts';
import type { ComputedBlock, Demand, SharedDesk, WorkerReply, WorkerSetup, WorkerTask } from './message.ts';
import type { EvaluatorPool } from './poolTypes.ts';
import { runTask, startThread } from './thread.ts';
import type { Thread } from './thread.ts';
import { planWork } from './workPlan.ts';
import { WorkQueue } from './workQueue.ts';

/** One thread; null where the last one was lost. */
interface Seat {
  thread: Thread | null;
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
 * next plane or computes the next block of rows. One evaluation at a time, because there is one set of everything.
 */
export class SharedPool implements EvaluatorPool {
  readonly #setup: WorkerSetup;
  readonly #seats: readonly Seat[];
  readonly #groups: number;
  readonly #lengths: ReturnType<typeof groupLengths>;
  readonly #queueBuffer = WorkQueue.makeBuffer();
  readonly #queue = new WorkQueue(this.#queueBuffer);
  readonly #upload: SharedArrayBuffer;
  /** The room of each ciphertext in it. */
  readonly #uploadRooms: readonly Uint8Array[];
  /** Where responses lie, null where each is its receiver's. */
  readonly #response: SharedArrayBuffer | null;
  readonly #responseRooms: readonly Uint8Array[] | null;
  /** One for each seat, once the first thread has said what it needs. */
  #desks: readonly SharedDesk[] = [];
  /** What has to end before the next evaluation begins. */
  #turn: Promise<unknown> = Promise.resolve();
  #isDisposed = false;

  constructor(plan: ToeplitzPlan, program: ToeplitzProgram, count: number, reuseResponse: boolean) {
    this.#setup = { plan, seating: { kind: 'shared' } };
    this.#groups = program.blockGroups.length;
    this.#lengths = groupLengths(plan, program.blockGroups);
    this.#upload = new SharedArrayBuffer(totalLength(this.#lengths.upload));
    this.#uploadRooms = cutBuffer(this.#upload, this.#lengths.upload);
    const { response } = this.#lengths;
    this.#response = reuseResponse ? new SharedArrayBuffer(totalLength(response)) : null;
    this.#responseRooms = this.#response === null ? null : cutBuffer(this.#response, response);
    this.#seats = Array.from({ length: count }, () => ({ thread: null }));
  }

  get workers(): number {
    return this.#seats.length;
  }

  /** Starts every thread that is not there, makes the memory for all of them and tells them where it is. */
  async warmUp(): Promise<void> {
    const vacant = this.#seats.filter(({ thread }) => thread === null);
    for (const seat of vacant) seat.thread = startThread(this.#setup);
    const demands = await settleAll(
      vacant.map(async (seat) => replyOf(await this.#tell(seat, { kind: 'measure' }), 'demand').demand),
    );
    if (this.#desks.length === 0 && demands[0] !== undefined) this.#desks = this.#makeDesks(demands[0]);
    await settleAll(
      vacant.map(async (seat) => {
        const desk = this.#desks[this.#seats.indexOf(seat)]!;
        replyOf(await this.#tell(seat, { kind: 'sit-down', desk }), 'ready');
      }),
    );
  }

  #makeDesks({ planesBytes, ownBytes, planes, blocks }: Demand): SharedDesk[] {
    const work = planWork({ groups: this.#groups, planes, blocks }, planesBytes);
    const ownFrom = work.sets * planesBytes;
    const memory = makeSharedMemory(ownFrom + this.workers * ownBytes);
    const shared = { queue: this.#queueBuffer, work, upload: this.#upload, response: this.#response };
    return this.#seats.map((_, index) => ({
      ...shared,
      room: { memory, ownAt: ownFrom + index * ownBytes },
    }));
  }

  async evaluate(
    upload: readonly Uint8Array[],
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<Uint8Array[]> {
    if (this.#isDisposed) throw internalError('the pool has been disposed of');
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
        this.#seats.map(async (seat) => replyOf(await this.#tell(seat, { kind: 'work' }), 'computed')),
      );
      this.#uploadRooms.forEach((room, index) => {
        room.set(upload[index]!);
      });
      queue.open();
      const computed = await replies;
      signal?.throwIfAborted();
      return this.#assemble(computed.flatMap(({ blocks }) => blocks));
    } finally {
      signal?.removeEventListener('abort', stop);
    }
  }

  #assemble(blocks: readonly ComputedBlock[]): Uint8Array[] {
    if (this.#responseRooms !== null) return [...this.#responseRooms];
    const { response } = this.#lengths;
    const ciphertexts = new Array<Uint8Array>(response.length);
    for (const { first, count, buffer } of blocks) {
      cutBuffer(buffer, response.slice(first, first + count)).forEach((bytes, index) => {
        ciphertexts[first + index] = bytes;
      });
    }
    return ciphertexts;
  }

  /** The reply of a worker. One that is lost gives up its seat, and nobody waits for it. */
  async #tell(seat: Seat, task: WorkerTask): Promise<WorkerReply> {
    const { thread } = seat;
    if (thread === null) throw internalError('nobody sits here');
    try {
      return await runTask(thread, task, [], undefined);
    } catch (error) {
      this.#queue.cancel();
      seat.thread = null;
      await thread.destroy();
      throw error;
    }
  }

  async dispose(): Promise<void> {
    this.#isDisposed = true;
    await Promise.all(this.#seats.map(async ({ thread }) => thread?.destroy()));
  }
}
