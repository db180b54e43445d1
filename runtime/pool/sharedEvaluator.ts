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
import { countUnits, unitAt } from './workPlan.ts';
import type { Unit, WorkPlan } from './workPlan.ts';
import { WorkQueue } from './workQueue.ts';
import type { ToeplitzPlan } from '../../compiler/toeplitz/plan.ts';

/** What a worker has once it knows where everything is. */
interface Attached {
  readonly machine: DirectMachine;
  readonly queue: WorkQueue;
  readonly work: WorkPlan;
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

  attach({ room, queue, work, upload, response }: SharedMemory): void {
    const layout = layoutOfGroups(this.#source.groups, this.#plan.transfer);
    const lengths = layoutLengths(this.#plan.parameters, wireOf(this.#plan), layout);
    this.#attached = {
      machine: new DirectMachine(this.#engines, this.#plan, this.#transfer, this.#source, room),
      queue: new WorkQueue(queue),
      work,
      upload: cutBuffer(upload, lengths.upload, UPLOAD_ALIGNMENT),
      response: cutBuffer(response, lengths.response),
    };
  }

  /**
   * Takes units until there are no more, or somebody has cancelled the work.
   * @throws CipherconvError `malformed-tensor`; then the work is cancelled for everybody.
   */
  work(): void {
    if (this.#attached === null) throw internalError('this worker has no memory yet');
    const { machine, queue, work, upload } = this.#attached;
    const units = countUnits(work);
    try {
      for (let number = queue.take(); number < units; number = queue.take()) {
        const unit = unitAt(work, number);
        if (!queue.waitFor(unit.after)) break;
        if (unit.kind === 'plane') machine.loadPlane(unit.index, unit.group, upload, unit.set);
        else this.#computePiece(this.#attached, unit);
        queue.finish(unit.phaseEnd);
      }
    } catch (error) {
      queue.cancel();
      throw error;
    }
  }

  #computePiece({ machine, response }: Attached, { index, group, set }: Unit): void {
    const blocks = this.#source.schedule.blocks.length;
    const polynomial = POLYNOMIALS[this.#source.computed][Math.floor(index / blocks)]!;
    machine.computeBlock(index % blocks, group, polynomial, response, set);
  }
}

export async function createSharedEvaluator(plan: Plan): Promise<SharedEvaluator> {
  if (plan.lowering !== 'toeplitz') throw internalError('a diagonals plan has no planes to share');
  const [packing, direct] = await Promise.all([loadPacking(), loadDirectShared()]);
  return new SharedEvaluator({ packing, direct }, plan);
}
