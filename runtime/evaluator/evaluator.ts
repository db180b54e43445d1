import { kernelOf } from '../../compiler/lowerings/plan.ts';
import type { Plan } from '../../compiler/lowerings/plan.ts';
import { kernelFor } from './kernels.ts';
import type { Evaluator, EvaluatorOptions } from './types.ts';

export type { Evaluator, EvaluatorOptions } from './types.ts';

/**
 * Prepares a plan for evaluation with its kernel.
 * @throws CipherconvError `plan-rejected` when SEAL does not take the plan's parameters, or the direct kernel its lanes;
 * `usage` for the ntt kernel on a plan with whole uploads.
 */
export async function createEvaluator(plan: Plan, options: EvaluatorOptions = {}): Promise<Evaluator> {
  return kernelFor(plan, options.kernel ?? kernelOf(plan)).open(plan, options);
}
