import { internalError } from '../../compiler/errors.ts';
import { isToeplitz } from '../../compiler/plan.ts';
import type { Plan, ToeplitzPlan } from '../../compiler/plan.ts';
import { buildProgram } from '../../compiler/program.ts';
import { scheduleSteps } from '../../compiler/programSteps.ts';
import { DirectMachine, kernelSource, requireLanes } from '../directMachine.ts';
import type { DirectEngines, NamedBytes } from '../directMachine.ts';
import { kernelBytes } from '../kernels/directKernel.ts';
import type { KernelSource, SharedRoom } from '../kernels/directKernel.ts';
import { loadDirectShared } from '../kernels/directModule.ts';
import { loadPacking } from '../wire/packer.ts';
import type { Meeting } from './meeting.ts';
import type { Share } from './message.ts';
import { shareWork } from './share.ts';
import type { ShareWork } from './share.ts';

/**
 * A worker's share of the direct kernel: it fills some of the planes, which lie in a memory that all workers share, and
 * computes some of the rows from all of them. Nothing is unpacked, expanded or split twice.
 */
export class SharedEvaluator {
  readonly #engines: DirectEngines;
  readonly #plan: ToeplitzPlan;
  readonly #source: KernelSource;
  readonly #work: ShareWork;
  readonly #workers: number;
  #machine: DirectMachine | null = null;

  constructor(engines: DirectEngines, plan: ToeplitzPlan, share: Share) {
    const program = buildProgram(plan);
    const lanes = requireLanes(plan, program);
    this.#engines = engines;
    this.#plan = plan;
    this.#work = shareWork(program, share);
    this.#workers = share.count;
    const schedule = scheduleSteps(program, lanes.laneL1, this.#work.rows);
    this.#source = kernelSource(plan, program, lanes, schedule);
  }

  /** What it takes of the shared memory. */
  bytes(): { readonly planes: number; readonly own: number } {
    return kernelBytes(this.#source);
  }

  /**
   * Fills its planes, waits until the other workers have filled theirs, and computes its rows, in order.
   * @param upload the ciphertexts of its chunks, in order
   * @returns null when another worker has failed
   * @throws CipherconvError `malformed-tensor`.
   */
  evaluate(
    room: SharedRoom,
    meeting: Meeting,
    group: number,
    upload: readonly NamedBytes[],
  ): Uint8Array[] | null {
    try {
      this.#load(room, group, upload);
    } catch (error) {
      meeting.cancel();
      throw error;
    }
    return meeting.arrive(this.#workers) ? this.#compute(group) : null;
  }

  #load(room: SharedRoom, group: number, upload: readonly NamedBytes[]): void {
    const machine = (this.#machine ??= new DirectMachine(this.#engines, this.#plan, this.#source, room));
    const byChunk = new Map(this.#work.chunks.map((chunk, index) => [chunk, upload[index]!]));
    for (const plane of this.#work.planes)
      machine.loadPlane(plane, group, (chunk) => byChunk.get(chunk) ?? missing(chunk));
  }

  #compute(group: number): Uint8Array[] {
    const results: Uint8Array[] = [];
    if (this.#machine === null) throw internalError('nothing has been loaded');
    this.#machine.computeGroup(group, (_, bytes) => results.push(bytes));
    return results;
  }
}

function missing(chunk: number): never {
  throw internalError(`chunk ${chunk} has not been sent`);
}

export async function createSharedEvaluator(plan: Plan, share: Share): Promise<SharedEvaluator> {
  if (!isToeplitz(plan)) throw internalError('a diagonals plan has no planes to share');
  const [packing, direct] = await Promise.all([loadPacking(), loadDirectShared()]);
  return new SharedEvaluator({ packing, direct }, plan, share);
}
