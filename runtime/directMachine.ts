import { CipherconvError } from '../compiler/errors.ts';
import type { BlockGroup } from '../compiler/packingElements.ts';
import type { DirectLanes, ToeplitzPlan } from '../compiler/plan.ts';
import { analyzeLanes } from '../compiler/planKernel.ts';
import type { ToeplitzProgram } from '../compiler/program.ts';
import type { StepSchedule } from '../compiler/programSteps.ts';
import { CodingClock } from './codingClock.ts';
import { DirectKernel } from './kernels/directKernel.ts';
import type { KernelSource, SharedRoom } from './kernels/directKernel.ts';
import type { DirectModule } from './kernels/directModule.ts';
import { ciphertextFrames } from './seal/ciphertext.ts';
import { createContext } from './seal/context.ts';
import type { BfvContext } from './seal/context.ts';
import { CIPHERTEXT_WORDS_AT, saveBytes, wordHalves } from './seal/envelope.ts';
import type { Ciphertext, PublicSeal } from './seal/module.ts';
import type { SealScope } from './seal/scope.ts';
import { ResponseCodec, UploadCodec } from './wire/ciphertexts.ts';
import type { PackingModule } from './wire/packer.ts';

/** What decides whether a lane can overflow; how many folds that makes depends on the part of the rows at hand. */
const BINDING = ['limbBits', 'limbs', 'laneL1'] as const;

/**
 * The lanes of a plan for the direct kernel, analysed again: a lane that overflowed would decrypt wrong in silence.
 * @throws CipherconvError `plan-rejected`.
 */
export function requireLanes(plan: ToeplitzPlan, program: ToeplitzProgram): DirectLanes {
  const analysis = analyzeLanes(plan.parameters, program);
  const found = plan.direct;
  if (analysis.kind === 'possible' && found !== null) {
    const { lanes } = analysis;
    if (BINDING.every((key) => lanes[key] === found[key])) return found;
  }
  throw new CipherconvError({
    code: 'plan-rejected',
    where: 'direct',
    message: 'the direct kernel cannot execute the plan as it says',
    expected: analysis.kind === 'possible' ? JSON.stringify(analysis.lanes) : analysis.expected,
    found: analysis.kind === 'possible' ? JSON.stringify(found) : analysis.found,
  });
}

/** What the kernel of a plan is made from. */
export function kernelSource(
  plan: ToeplitzPlan,
  program: ToeplitzProgram,
  lanes: DirectLanes,
  schedule: StepSchedule,
): KernelSource {
  return { parameters: plan.parameters, lanes, schedule, groups: program.blockGroups };
}

/** The modules that a machine runs on. */
export interface DirectEngines {
  readonly seal: PublicSeal;
  readonly packing: PackingModule;
  readonly direct: DirectModule;
}

/**
 * The direct kernel between two ends of the wire: uploads into planes, rows out of them. SEAL only expands the seeds of
 * c1, and does not see uploads that travel whole.
 */
export class DirectMachine {
  readonly coding = new CodingClock();
  readonly kernel: DirectKernel;
  readonly #seal: PublicSeal;
  readonly #context: BfvContext;
  readonly #upload: UploadCodec;
  readonly #response: ResponseCodec;
  readonly #groups: readonly BlockGroup[];
  readonly #schedule: StepSchedule;
  readonly #ciphertext: Ciphertext;

  constructor(
    scope: SealScope,
    { seal, packing, direct }: DirectEngines,
    plan: ToeplitzPlan,
    source: KernelSource,
    room?: SharedRoom,
  ) {
    this.#seal = seal;
    this.#context = createContext(scope, seal, plan.parameters);
    const frames = ciphertextFrames(seal, this.#context);
    this.#upload = new UploadCodec(packing, frames, plan.parameters, plan.wire);
    this.#response = new ResponseCodec(packing, frames, plan.parameters, plan.wire);
    this.#groups = source.groups;
    this.#schedule = source.schedule;
    this.kernel = new DirectKernel(direct, source, room);
    this.#ciphertext = scope.own(new seal.Ciphertext());
  }

  /**
   * Fills one plane with the ciphertexts of its chunks.
   * @param uploadOf the ciphertext of a chunk of the block group as it travelled, and what to call it in errors
   * @throws CipherconvError `malformed-tensor`.
   */
  loadPlane(plane: number, group: number, uploadOf: (chunk: number) => NamedBytes): void {
    const { left, right } = this.#schedule.planes[plane]!;
    this.#loadChunk(group, left, 0, uploadOf(left));
    if (right !== left) this.#loadChunk(group, right, 1, uploadOf(right));
    this.kernel.loadPlane(plane);
  }

  /** Words of one upload into the kernel's memory. */
  #loadChunk(group: number, chunk: number, side: 0 | 1, { bytes, where }: NamedBytes): void {
    const { read } = this.#groups[group]!.inputs[chunk]!;
    const target = this.kernel.inputWords(side);
    const whole = this.coding.time('upload', () => this.#upload.decodeWords(bytes, read, where));
    if (whole !== null) {
      target.set(whole);
      return;
    }
    const { degree, dataPrimeCount, context } = this.#context;
    const envelope = this.coding.time('upload', () => this.#upload.decode(bytes, read, where));
    this.#ciphertext.loadFromArray(context, envelope);
    const words = 2 * degree * dataPrimeCount;
    target.set(wordHalves(saveBytes(this.#seal, this.#ciphertext), CIPHERTEXT_WORDS_AT, words));
  }

  /** Computes every row of the schedule for a block group from the planes, and gives each as it travels. */
  computeGroup(group: number, emit: (programRow: number, bytes: Uint8Array) => void): void {
    const { outputs } = this.#groups[group]!;
    for (const batch of this.kernel.batches) {
      this.kernel.runBatch(batch, group);
      for (const { programRow, row } of batch.rows) {
        const words = this.kernel.resultWords(row);
        const bytes = this.coding.time('response', () =>
          this.#response.encodeComponents(words, outputs[programRow]!.coefficients),
        );
        emit(programRow, bytes);
      }
    }
  }
}

/** A ciphertext as it travelled, and what to call it in errors. */
export interface NamedBytes {
  readonly bytes: Uint8Array;
  readonly where: string;
}
