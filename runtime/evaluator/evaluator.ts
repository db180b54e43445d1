import { CipherconvError } from '../../compiler/base/errors.ts';
import { isToeplitz } from '../../compiler/lowerings/plan.ts';
import type { Plan } from '../../compiler/lowerings/plan.ts';
import { buildProgram } from '../../compiler/lowerings/program.ts';
import { takePart } from '../../compiler/toeplitz/parts.ts';
import { DiagonalsEvaluator } from './rotating.ts';
import { DirectEvaluator } from './direct/evaluator.ts';
import type { Evaluator, EvaluatorOptions } from './types.ts';
import { loadDirect } from './direct/module.ts';
import { NttEvaluator } from './ntt.ts';
import { longWork } from '../longWork.ts';
import { guardSeal } from '../seal/failure.ts';
import { loadSeal } from '../seal/module.ts';
import type { PublicSeal } from '../seal/module.ts';
import { buildWithScope } from '../seal/scope.ts';
import { loadPacking } from '../wire/packer.ts';

export type { Evaluator, EvaluatorOptions, Progress } from './types.ts';

/**
 * Prepares a plan for evaluation with its kernel.
 * @throws CipherconvError `plan-rejected` when SEAL does not take the plan's parameters, or the direct kernel its lanes;
 * `usage` for the ntt kernel on a plan with whole uploads.
 */
export async function createEvaluator(wholePlan: Plan, options: EvaluatorOptions = {}): Promise<Evaluator> {
  const packing = await loadPacking();
  if (!isToeplitz(wholePlan)) {
    const seal: PublicSeal = await loadSeal();
    return buildWithScope((scope) =>
      guardSeal('prepare the weights', () =>
        longWork(() => new DiagonalsEvaluator(scope, seal, packing, wholePlan, options)),
      ),
    );
  }
  const whole = longWork(() => buildProgram(wholePlan));
  const { plan, program } =
    options.part === undefined
      ? { plan: wholePlan, program: whole }
      : takePart(wholePlan, whole, options.part);
  const kernel = options.kernel ?? plan.kernel;
  switch (kernel) {
    case 'ntt': {
      if (plan.wire.upload === 'whole') refuseWhole();
      const seal: PublicSeal = await loadSeal();
      return buildWithScope((scope) =>
        guardSeal('prepare the weights', () =>
          longWork(() => new NttEvaluator(scope, seal, packing, plan, program, options)),
        ),
      );
    }
    case 'direct': {
      const kernels = { packing, direct: await loadDirect() };
      return longWork(() => new DirectEvaluator(kernels, plan, program, options));
    }
    default:
      return kernel satisfies never;
  }
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
