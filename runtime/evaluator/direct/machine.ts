import { CipherconvError } from '../../../compiler/base/errors.ts';
import type { BlockGroup } from '../../../compiler/toeplitz/placement.ts';
import { analyzeLanes } from '../../../compiler/toeplitz/direct/lanes.ts';
import type { StepSchedule } from '../../../compiler/toeplitz/direct/steps.ts';
import { CodingClock } from '../../wire/codingClock.ts';
import { DirectKernel } from './kernel.ts';
import type { SharedRoom } from './kernel.ts';
import type { KernelSource } from './lists.ts';
import type { DirectModule } from './module.ts';
import { responseIndex, uploadIndex } from '../transfer.ts';
import type { CheckedTransfer } from '../transfer.ts';
import { polynomialBytes, requireLength } from '../../wire/ciphertexts.ts';
import { uploadByteLength, UploadReader } from '../../wire/uploads.ts';
import { polynomialCode } from '../../wire/coefficients.ts';
import type { Polynomial, PolynomialCode } from '../../wire/coefficients.ts';
import type { PackingModule } from '../../wire/packer.ts';
import { digitShift, wireOf } from '../../../compiler/toeplitz/plan.ts';
import type { Parameters } from '../../../compiler/bfv/parameters.ts';
import { protocolOf } from '../../../compiler/lowering/plan.ts';
import type { PlanWire } from '../../../compiler/lowering/plan.ts';
import type { ToeplitzPlan } from '../../../compiler/toeplitz/plan.ts';
import type { ToeplitzProgram } from '../../../compiler/toeplitz/program.ts';

/** What decides whether a lane can overflow; how many folds that makes depends on the part of the rows at hand. */
const BINDING = ['limbBits', 'limbs', 'laneL1'] as const;

/**
 * What the kernel of a plan is made from. Its lanes are analysed again, because a lane that overflowed would decrypt wrong
 * in silence; the steps come out of the same analysis.
 * @throws CipherconvError `plan-rejected`.
 */
export function kernelSource(plan: ToeplitzPlan, program: ToeplitzProgram): KernelSource {
  const { parameters, execution } = plan;
  const numbers = numbersOf(plan);
  const analysis = analyzeLanes(parameters, program, numbers.droppedBits);
  const found = execution.kernel === 'direct' ? execution.lanes : null;
  if (analysis.kind === 'possible' && found !== null) {
    const { lanes, schedule } = analysis;
    if (BINDING.every((key) => lanes[key] === found[key]))
      return { parameters, lanes: found, schedule, groups: program.blockGroups, ...numbers };
  }
  throw new CipherconvError({
    code: 'plan-rejected',
    where: 'execution',
    message: 'the direct kernel cannot execute the plan as it says',
    expected: analysis.kind === 'possible' ? JSON.stringify(analysis.lanes) : analysis.expected,
    found: analysis.kind === 'possible' ? JSON.stringify(found) : analysis.found,
  });
}

/** Of hints nothing but c0 comes and goes, and what is dropped of it is dropped before it is split into digits. */
function numbersOf(plan: ToeplitzPlan): Pick<KernelSource, 'computed' | 'droppedBits'> {
  const wire = wireOf(plan);
  return { computed: protocolOf(wire) === 'hint' ? 'c0' : 'both', droppedBits: digitShift(wire) };
}

/** The modules that a machine runs on. */
export interface DirectEngines {
  readonly packing: PackingModule;
  readonly direct: DirectModule;
}

/**
 * The direct kernel between two ends of the wire: uploads into planes, rows out of them. SEAL computes nothing here (its
 * file formats are only named): what comes from outside meets our own checks and integer arithmetic.
 */
export class DirectMachine {
  readonly coding = new CodingClock();
  readonly kernel: DirectKernel;
  readonly #parameters: Parameters;
  readonly #wire: PlanWire;
  /** What unpacks uploads that have a c1. */
  readonly #upload: UploadReader | null;
  readonly #codes: Readonly<Record<Polynomial, PolynomialCode>>;
  readonly #transfer: CheckedTransfer;
  readonly #groups: readonly BlockGroup[];
  readonly #schedule: StepSchedule;

  constructor(
    { packing, direct }: DirectEngines,
    plan: ToeplitzPlan,
    transfer: CheckedTransfer,
    source: KernelSource,
    room?: SharedRoom,
  ) {
    this.#parameters = plan.parameters;
    this.#wire = wireOf(plan);
    const isHint = source.computed === 'c0';
    this.#upload = isHint ? null : new UploadReader(packing, plan.parameters, this.#wire);
    const code = (dropped: number): PolynomialCode => polynomialCode(plan.parameters, dropped);
    this.#codes = { 0: code(plan.wire.responseC0), 1: code(plan.wire.responseC1) };
    this.#transfer = transfer;
    this.#groups = source.groups;
    this.#schedule = source.schedule;
    this.kernel = new DirectKernel(direct, source, room);
  }

  /** What unpacking works in beside the kernel's memory, bytes. */
  get packerBytes(): number {
    return this.#upload?.memoryBytes ?? 0;
  }

  /**
   * Fills one plane with the ciphertexts of its chunks.
   * @param upload all ciphertexts as they travelled
   * @param set which of the sets of planes, where a shared memory holds several
   * @throws CipherconvError `malformed-tensor`.
   */
  loadPlane(plane: number, group: number, upload: readonly Uint8Array[], set = 0): void {
    const chunks = this.#schedule.planes[plane]!;
    this.#loadChunk(group, chunks.kind === 'pair' ? chunks.left : chunks.chunk, 0, upload);
    if (chunks.kind === 'pair') this.#loadChunk(group, chunks.right, 1, upload);
    this.kernel.loadPlane(plane, set);
  }

  /** Words of the ciphertext of a chunk into the kernel's memory. */
  #loadChunk(group: number, chunk: number, side: 0 | 1, upload: readonly Uint8Array[]): void {
    const at = uploadIndex(this.#transfer, group, chunk);
    const { read } = this.#groups[group]!.inputs[chunk]!;
    const bytes = upload[at]!;
    const where = `upload[${at}]`;
    const reader = this.#upload;
    if (reader === null) {
      requireLength(bytes, uploadByteLength(this.#parameters, this.#wire, read), where);
      this.coding.time('upload', () => {
        this.kernel.unpackInput(side, { group, chunk, positions: read }, bytes, where);
      });
      return;
    }
    this.coding.time('upload', () => {
      reader.unpack(bytes, read, where);
    });
    this.kernel.inputWords(side).set(reader.words());
  }

  /**
   * Computes one polynomial of the rows of one block of the schedule for a block group, from the planes of all its chunks.
   * @param response all ciphertexts as they will travel, of which the rows' ones get this polynomial
   */
  computeBlock(
    block: number,
    group: number,
    polynomial: Polynomial,
    response: readonly Uint8Array[],
    set = 0,
  ): void {
    const { outputs } = this.#groups[group]!;
    const { rows } = this.#schedule.blocks[block]!;
    const first = responseIndex(this.#transfer, group, rows[0]!);
    this.kernel.runBlock(block, group, polynomial, set);
    const c0 = this.#codes[0];
    const { degree } = this.#parameters;
    this.coding.time('response', () => {
      rows.forEach((programRow, row) => {
        const { coefficients } = outputs[programRow]!;
        const before = polynomial === 0 ? 0 : polynomialBytes(c0, coefficients, degree);
        const target = { bytes: response[first + row]!, offset: before };
        this.kernel.packResult(row, polynomial, { group, programRow }, this.#codes[polynomial], target);
      });
    });
  }
}
