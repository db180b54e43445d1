import type { ToeplitzPlan } from '../../compiler/plan.ts';
import { computedRows } from '../../compiler/program.ts';
import type { ToeplitzProgram } from '../../compiler/program.ts';
import type { NamedBytes } from '../directMachine.ts';
import type { SharedRoom } from '../kernels/directKernel.ts';
import { makeSharedMemory } from '../kernels/wasm.ts';
import type { WasmMemory } from '../kernels/wasm.ts';
import { requireCiphertextCount } from '../seal/ciphertext.ts';
import { Meeting } from './meeting.ts';
import { replyOf } from './message.ts';
import type { WorkerReply, WorkerSetup } from './message.ts';
import type { EvaluatorPool } from './poolTypes.ts';
import { shareWork, uploadPositions } from './share.ts';
import { ownBytes, runTask, startThread } from './thread.ts';
import type { Thread } from './thread.ts';

/** One thread, and what it is sent and gives of every block group. */
interface Seat {
  readonly thread: Thread;
  /** Positions of its chunks among the block group's uploads. */
  readonly upload: readonly number[];
  /** Where its results begin among the block group's. */
  readonly firstResult: number;
}

interface Seated {
  readonly seat: Seat;
  readonly room: SharedRoom;
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
 * The direct kernel on several threads over one memory: each fills its planes, and once all are there computes its rows.
 * One evaluation at a time, because there is one set of planes.
 */
export class SharedPool implements EvaluatorPool {
  readonly #seats: readonly Seat[];
  readonly #groups: number;
  readonly #uploadsPerGroup: number;
  readonly #resultsPerGroup: number;
  readonly #meetingBuffer = Meeting.makeBuffer();
  readonly #meeting = new Meeting(this.#meetingBuffer);
  #seated: readonly Seated[] = [];
  /** What has to end before the next evaluation begins. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(plan: ToeplitzPlan, program: ToeplitzProgram, count: number, options: WorkerSetup['options']) {
    this.#groups = program.blockGroups.length;
    this.#uploadsPerGroup = plan.transfer.usedChunks.length;
    this.#resultsPerGroup = computedRows(program).length;
    let firstResult = 0;
    this.#seats = Array.from({ length: count }, (_, index) => {
      const share = { index, count };
      const { chunks, rows } = shareWork(program, share);
      const seat = {
        thread: startThread({ plan, seating: { kind: 'shared', share }, options }),
        upload: uploadPositions(plan, chunks),
        firstResult,
      };
      firstResult += rows.length;
      return seat;
    });
  }

  get workers(): number {
    return this.#seats.length;
  }

  /** Lets every worker prepare and makes the memory for all of them. */
  async warmUp(): Promise<void> {
    const sizes = await settleAll(
      this.#seats.map(async ({ thread }) =>
        replyOf(await runTask(thread, { kind: 'measure' }, [], undefined), 'bytes'),
      ),
    );
    const planes = Math.max(...sizes.map((size) => size.planes));
    const total = sizes.reduce((sum, { own }) => sum + own, planes);
    const memory: WasmMemory<SharedArrayBuffer> = makeSharedMemory(total);
    let ownAt = planes;
    this.#seated = this.#seats.map((seat, index) => {
      const room = { memory, ownAt };
      ownAt += sizes[index]!.own;
      return { seat, room };
    });
  }

  async evaluate(
    upload: readonly Uint8Array[],
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<Uint8Array[]> {
    requireCiphertextCount('upload', this.#groups * this.#uploadsPerGroup, upload.length);
    const before = this.#turn;
    const evaluation = (async () => {
      await before;
      return this.#evaluate(upload, options.signal);
    })();
    this.#turn = evaluation.catch(() => undefined);
    return evaluation;
  }

  async #evaluate(upload: readonly Uint8Array[], signal: AbortSignal | undefined): Promise<Uint8Array[]> {
    const response = new Array<Uint8Array>(this.#groups * this.#resultsPerGroup);
    for (let group = 0; group < this.#groups; group++) {
      signal?.throwIfAborted();
      this.#meeting.reset();
      const replies = await settleAll(
        this.#seated.map((seated) => this.#share(seated, group, upload, signal)),
      );
      // One that failed has said why before anybody looks at those who gave up with it.
      this.#seated.forEach(({ seat }, index) => {
        replyOf(replies[index]!, 'results').results.forEach((bytes, result) => {
          response[group * this.#resultsPerGroup + seat.firstResult + result] = bytes;
        });
      });
    }
    return response;
  }

  /** The reply of one worker; throws what it refused with. */
  async #share(
    { seat, room }: Seated,
    group: number,
    upload: readonly Uint8Array[],
    signal: AbortSignal | undefined,
  ): Promise<WorkerReply> {
    const own = seat.upload.map((position): NamedBytes => {
      const at = group * this.#uploadsPerGroup + position;
      return { bytes: ownBytes(upload[at]!, false), where: `upload[${at}]` };
    });
    const moved = own.map(({ bytes }) => bytes);
    const meeting = this.#meetingBuffer;
    try {
      const task = { kind: 'share', room, meeting, group, upload: own } as const;
      const reply = await runTask(seat.thread, task, moved, signal);
      return reply.kind === 'refused' ? replyOf(reply, 'results') : reply;
    } catch (error) {
      // Stopped or lost: the others must not wait for it.
      this.#meeting.cancel();
      throw error;
    }
  }

  async dispose(): Promise<void> {
    await Promise.all(this.#seats.map(({ thread }) => thread.destroy()));
  }
}
