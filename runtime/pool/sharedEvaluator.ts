import { internalError } from '../../compiler/base/errors.ts';
import type { Plan } from '../../compiler/lowerings/plan.ts';
import { layoutOfGroups } from '../../compiler/toeplitz/layout.ts';
import { wireOf } from '../../compiler/toeplitz/plan.ts';
import { buildToeplitz } from '../../compiler/toeplitz/program.ts';
import { DirectMachine, kernelSource } from '../evaluator/direct/machine.ts';
import type { DirectEngines } from '../evaluator/direct/machine.ts';
import { kernelBytes, POLYNOMIALS } from '../evaluator/direct/lists.ts';
import type { KernelSource } from '../evaluator/direct/lists.ts';
import { loadDirectShared } from '../evaluator/direct/module.ts';
import { checkTransfer } from '../evaluator/transfer.ts';
import type { CheckedTransfer } from '../evaluator/transfer.ts';
import { cutBuffer, layoutLengths } from '../wire/lengths.ts';
import { loadPacking } from '../wire/packer.ts';
import { UPLOAD_ALIGNMENT } from './message.ts';
import type { Demand, SharedMemory } from './message.ts';
import { countUnits, groupsInOrder, setOf, unitAt } from './workPlan.ts';
import type { Unit, WorkPlan } from './workPlan.ts';
import { WorkQueue } from './workQueue.ts';
import type { ToeplitzPlan } from '../../compiler/toeplitz/plan.ts';

/** What a worker has once it knows where everything is. */
interface Attached {
  readonly machine: DirectMachine;
  readonly queue: WorkQueue;
  readonly work: WorkPlan;
  /** In which it looks for units. */
  readonly groups: readonly number[];
  readonly upload: readonly Uint8Array[];
  readonly response: readonly Uint8Array[];
}

/**
 * One of several workers of the direct kernel over one memory: it takes planes to fill and pieces of the response to
 * compute until none is left. Nothing is unpacked, expanded or split twice, and nothing travels but a word to begin.
 */
export class SharedEvaluator {
  readonly #engines: DirectEngines;
  readonly #plan: ToeplitzPlan;
  readonly #source: KernelSource;
  readonly #transfer: CheckedTransfer;
  #attached: Attached | null = null;

  constructor(engines: DirectEngines, plan: ToeplitzPlan) {
    const program = buildToeplitz(plan);
    this.#engines = engines;
    this.#plan = plan;
    this.#transfer = checkTransfer(plan, program);
    this.#source = kernelSource(plan, program);
  }

  demand(): Demand {
    const { planes, own } = kernelBytes(this.#source);
    const { planes: planeList, blocks } = this.#source.schedule;
    const pieces = POLYNOMIALS[this.#source.computed].length * blocks.length;
    return { planesBytes: planes, ownBytes: own, planes: planeList.length, pieces };
  }

  attach({ room, queue, work, place, places, uploadAt, responseAt }: SharedMemory): void {
    const layout = layoutOfGroups(this.#source.groups, this.#plan.transfer);
    const lengths = layoutLengths(this.#plan.parameters, wireOf(this.#plan), layout);
    this.#attached = {
      machine: new DirectMachine(this.#engines, this.#plan, this.#transfer, this.#source, room),
      queue: new WorkQueue(queue),
      work,
      groups: groupsInOrder(work, place, places),
      upload: cutBuffer(room.memory.buffer, lengths.upload, UPLOAD_ALIGNMENT, uploadAt),
      response: cutBuffer(room.memory.buffer, lengths.response, 1, responseAt),
    };
  }

  /**
   * Takes units until there are no more, or somebody has cancelled the work.
   * @throws CipherconvError `malformed-tensor`; then the work is cancelled for everybody.
   */
  work(): void {
    if (this.#attached === null) throw internalError('this worker has no memory yet');
    const { queue, groups } = this.#attached;
    try {
      for (const group of groups) if (!this.#workOn(this.#attached, group)) return;
    } catch (error) {
      queue.cancel();
      throw error;
    }
  }

  /** The units of one block group, as long as there are any. False when the work has been cancelled. */
  #workOn(attached: Attached, group: number): boolean {
    const { machine, queue, work, upload } = attached;
    const units = countUnits(work);
    const awaited = [work.planes, units];
    const set = setOf(work, group);
    if (!queue.waitUntilOpen(group)) return false;
    for (let number = queue.take(group); number < units; number = queue.take(group)) {
      const unit = unitAt(work, number);
      const isFree = unit.kind === 'piece' || group < work.sets || queue.waitFor(group - work.sets, units);
      if (!isFree || !queue.waitFor(group, unit.after)) return false;
      if (unit.kind === 'plane') machine.loadPlane(unit.index, group, upload, set);
      else this.#computePiece(attached, unit, group);
      queue.finish(group, awaited, work.groups * units);
    }
    return !queue.isCancelled;
  }

  #computePiece({ machine, response, work }: Attached, { index }: Unit, group: number): void {
    const blocks = this.#source.schedule.blocks.length;
    const polynomial = POLYNOMIALS[this.#source.computed][Math.floor(index / blocks)]!;
    machine.computeBlock(index % blocks, group, polynomial, response, setOf(work, group));
  }
}

export async function createSharedEvaluator(plan: Plan): Promise<SharedEvaluator> {
  if (plan.lowering !== 'toeplitz') throw internalError('a diagonals plan has no planes to share');
  const [packing, direct] = await Promise.all([loadPacking(), loadDirectShared()]);
  return new SharedEvaluator({ packing, direct }, plan);
}
