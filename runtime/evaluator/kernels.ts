import { CipherconvError } from '../../compiler/base/errors.ts';
import type { Kernel as KernelName } from '../../compiler/lowering/plan.ts';
import type { Plan } from '../../compiler/lowerings/plan.ts';
import { takePart } from '../../compiler/toeplitz/parts.ts';
import type { ProgramPart } from '../../compiler/toeplitz/parts.ts';
import type { ToeplitzPlan } from '../../compiler/toeplitz/plan.ts';
import { buildToeplitz } from '../../compiler/toeplitz/program.ts';
import { longWork } from '../longWork.ts';
import { guardSeal } from '../seal/failure.ts';
import { loadSeal } from '../seal/module.ts';
import type { PublicSeal } from '../seal/module.ts';
import { buildWithScope } from '../seal/scope.ts';
import { loadRing } from '../ring/module.ts';
import { loadPacking } from '../wire/packer.ts';
import { DirectEvaluator } from './direct/evaluator.ts';
import { loadDirect } from './direct/module.ts';
import { NttEvaluator } from './ntt.ts';
import { DiagonalsEvaluator } from './rotating.ts';
import { fitsTransforms } from './rowShape.ts';
import { TransformEvaluator } from './transforms.ts';
import type { Evaluator, EvaluatorOptions } from './types.ts';

/**
 * What executes plans. A kernel takes plans of its kind and opens an evaluator for them; `KERNELS` lists all, and nothing
 * else asks which one a plan has.
 */
export interface Kernel {
  readonly name: KernelName | 'rotating';
  /** Whether it executes the plan when `wanted` is asked for. */
  takes(plan: Plan, wanted: KernelName): boolean;
  /**
   * Prepares a plan that it takes.
   * @throws CipherconvError `plan-rejected` or `usage`
   */
  open(plan: Plan, options: EvaluatorOptions): Promise<Evaluator>;
}

/**
 * Products of transforms. Plans whose uploads are seeded by SEAL leave everything to SEAL's evaluator; of the others our own
 * ring arithmetic computes the same words, where its lanes hold the sums.
 */
const ntt: Kernel = {
  name: 'ntt',
  takes: ({ lowering }, wanted) => lowering === 'toeplitz' && wanted === 'ntt',
  open: async (plan, options) => {
    const part = partOf(plan, options);
    const { upload } = part.plan.execution;
    if (upload === 'whole') refuseWhole();
    if (upload === 'hint') refuseHint();
    const packing = await loadPacking();
    if (upload === 'seeded' && fitsTransforms(part.plan, part.program)) {
      const ring = await loadRing();
      return longWork(() => new TransformEvaluator({ packing, ring }, part.plan, part.program, options));
    }
    const seal: PublicSeal = await loadSeal();
    return buildWithScope((scope) =>
      guardSeal('prepare the weights', () =>
        longWork(() => new NttEvaluator(scope, seal, packing, part.plan, part.program, options)),
      ),
    );
  },
};

/** Shift-and-add over raw coefficients, without SEAL. */
const direct: Kernel = {
  name: 'direct',
  takes: ({ lowering }, wanted) => lowering === 'toeplitz' && wanted === 'direct',
  open: async (plan, options) => {
    const [packing, module] = await Promise.all([loadPacking(), loadDirect()]);
    const part = partOf(plan, options);
    const engines = { packing, direct: module };
    return longWork(() => new DirectEvaluator(engines, part.plan, part.program, options));
  },
};

/** SEAL's evaluator with rotations: what diagonals plans need, whichever kernel is wanted. */
const rotating: Kernel = {
  name: 'rotating',
  takes: ({ lowering }) => lowering === 'diagonals',
  open: async (plan, options) => {
    if (plan.lowering !== 'diagonals') throw notTaken(plan);
    const [packing, seal] = await Promise.all([loadPacking(), loadSeal() as Promise<PublicSeal>]);
    return buildWithScope((scope) =>
      guardSeal('prepare the weights', () =>
        longWork(() => new DiagonalsEvaluator(scope, seal, packing, plan, options)),
      ),
    );
  },
};

const KERNELS: readonly Kernel[] = [ntt, direct, rotating];

/**
 * The kernel that executes a plan.
 * @param wanted which one, where the plan can be executed by several
 */
export function kernelFor(plan: Plan, wanted: KernelName): Kernel {
  const kernel = KERNELS.find((candidate) => candidate.takes(plan, wanted));
  if (kernel === undefined) throw notTaken(plan);
  return kernel;
}

/** The whole plan with its program, or the part of it that the options name. */
function partOf(plan: Plan, { part }: EvaluatorOptions): ProgramPart {
  const toeplitz = requireToeplitz(plan);
  const program = longWork(() => buildToeplitz(toeplitz));
  return part === undefined ? { plan: toeplitz, program } : takePart(toeplitz, program, part);
}

function requireToeplitz(plan: Plan): ToeplitzPlan {
  if (plan.lowering !== 'toeplitz') throw notTaken(plan);
  return plan;
}

function notTaken({ lowering }: Plan): CipherconvError {
  return new CipherconvError({
    code: 'usage',
    where: 'kernel',
    message: `no kernel executes a ${lowering} plan so`,
  });
}

/** Whoever chooses c1 can make SEAL throw; see compiler/toeplitz/uploadForm.ts. */
function refuseWhole(): never {
  throw new CipherconvError({
    code: 'usage',
    where: 'kernel',
    message: 'the ntt kernel does not take the whole uploads of this plan',
    hint: 'compile it with seeded uploads',
  });
}

/** Of results with hints c0 alone is computed, which transforms would not spare anything of. */
function refuseHint(): never {
  throw new CipherconvError({
    code: 'usage',
    where: 'kernel',
    message: 'the ntt kernel does not compute plans with hints',
    hint: 'leave the kernel to the plan, or compile it with the standard protocol',
  });
}
