import { chooseLowering, diagonalsCost, toeplitzCost } from '../../compiler/lowerings/choose.ts';
import { compileSpec } from '../../compiler/lowerings/compile.ts';
import { CipherconvError } from '../../compiler/base/errors.ts';
import { isToeplitz, keyBytes } from '../../compiler/lowerings/plan.ts';
import type { Plan } from '../../compiler/lowerings/plan.ts';
import type { CostEstimate } from '../../compiler/cost/estimate.ts';
import type { Lowering } from '../../compiler/lowering/plan.ts';

/** Why this lowering and not the other one. */
export interface LoweringReport {
  readonly lowering: Lowering;
  /** What `--lowering auto` takes by cost; another one than the plan's where that was asked for. */
  readonly auto: Lowering;
  readonly reason: string;
}

/**
 * Compares the plan with what the other lowering costs, by the plan's own objective. Nothing of it is in the plan, so
 * that a plan is the same whether its lowering was chosen or asked for.
 */
export function loweringReport(plan: Plan): LoweringReport {
  const { objective } = plan.report;
  const options = { objective, security: plan.parameters.securityBits };
  if (isToeplitz(plan)) {
    const cost = toeplitzCost(plan);
    const other = diagonalsCost(plan.spec, options, { cost, objective }, plan.analysis.decodeWidth);
    const { choice, reason } = chooseLowering(cost, other, objective);
    return { lowering: 'toeplitz', auto: choice, reason };
  }
  const estimate: CostEstimate = {
    milliseconds: plan.report.estimatedMilliseconds,
    bytes: plan.bytes.upload + plan.bytes.response + keyBytes(plan),
  };
  try {
    const other = compileSpec(plan.spec, { ...options, lowering: 'toeplitz' });
    const { choice, reason } = chooseLowering(toeplitzCost(other), { kind: 'estimate', estimate }, objective);
    return { lowering: 'diagonals', auto: choice, reason };
  } catch (error) {
    if (!(error instanceof CipherconvError) || error.code !== 'beyond-bfv') throw error;
    const reason = `toeplitz cannot do it: ${error.details.message}`;
    return { lowering: 'diagonals', auto: 'diagonals', reason };
  }
}

/** The report as lines of text. */
export function loweringReportLines({ lowering, auto, reason }: LoweringReport): string[] {
  const chosen =
    lowering === auto
      ? `${lowering}, the cheaper one`
      : `${lowering}, as asked for; ${auto} is the cheaper one`;
  return [`${chosen}: ${reason}`];
}
