import { isToeplitz } from '../compiler/plan.ts';
import type { Plan } from '../compiler/plan.ts';
import { buildProgram } from '../compiler/program.ts';
import { takePart } from '../compiler/programParts.ts';
import { DiagonalsEvaluator } from './diagonals/evaluator.ts';
import { DirectEvaluator } from './directEvaluator.ts';
import type { Evaluator, EvaluatorOptions } from './evaluatorTypes.ts';
import { loadDirect } from './kernels/directModule.ts';
import { NttEvaluator } from './nttEvaluator.ts';
import { guardSeal } from './seal/failure.ts';
import { loadSeal } from './seal/module.ts';
import type { PublicSeal } from './seal/module.ts';
import { buildWithScope } from './seal/scope.ts';

export type { Evaluator, EvaluatorOptions, Progress } from './evaluatorTypes.ts';

/**
 * Prepares a plan for evaluation with its kernel.
 * @throws CipherconvError `plan-rejected` when SEAL does not take the plan's parameters, or the direct kernel its lanes.
 */
export async function createEvaluator(wholePlan: Plan, options: EvaluatorOptions = {}): Promise<Evaluator> {
  const seal: PublicSeal = await loadSeal();
  if (!isToeplitz(wholePlan)) {
    return buildWithScope((scope) =>
      guardSeal('prepare the weights', () => new DiagonalsEvaluator(scope, seal, wholePlan, options)),
    );
  }
  const whole = buildProgram(wholePlan);
  const { plan, program } =
    options.part === undefined
      ? { plan: wholePlan, program: whole }
      : takePart(wholePlan, whole, options.part);
  const kernel = options.kernel ?? plan.kernel;
  switch (kernel) {
    case 'ntt':
      return buildWithScope((scope) =>
        guardSeal('prepare the weights', () => new NttEvaluator(scope, seal, plan, program, options)),
      );
    case 'direct': {
      const factory = await loadDirect();
      return buildWithScope((scope) =>
        guardSeal(
          'prepare the kernel',
          () => new DirectEvaluator(scope, seal, factory, plan, program, options),
        ),
      );
    }
    default:
      return kernel satisfies never;
  }
}
