import { chooseLowering, diagonalsCost, toeplitzCost } from '../../compiler/lowerings/choose.ts';
import { compileSpec } from '../../compiler/lowerings/compile.ts';
import { CipherconvError } from '../../compiler/base/errors.ts';
import { isToeplitz, keyBytes } from '../../compiler/lowerings/plan.ts';
import type { Plan } from '../../compiler/lowerings/plan.ts';
import type { CompileOptions } from '../../compiler/lowering/assemble.ts';
import type { CostEstimate } from '../../compiler/cost/estimate.ts';
import type { Lowering } from '../../compiler/lowering/plan.ts';

/** Why this lowering and not the other one. */
export interface LoweringReport {
  readonly lowering: Lowering;
  /** Whether the lowering was asked for; null for a plan, which does not say what was. */
  readonly asked: boolean | null;
  /** What `--lowering auto` takes by cost, all other options the same; those of a plan are not known, and left open. */
  readonly auto: Lowering;
  readonly reason: string;
}

/**
 * Compares the plan with what the other lowering costs, by the plan's own objective. Nothing of it is in the plan, so
 * that a plan is the same whether its lowering was chosen or asked for.
 * @param request what the plan was compiled with just now; null where it was compiled before
 */
export function loweringReport(plan: Plan, request: CompileOptions | null): LoweringReport {
  const { objective } = plan.report;
  const options = { ...request, objective, security: plan.parameters.securityBits };
  const asked = request === null ? null : (request.lowering ?? 'auto') !== 'auto';
  if (isToeplitz(plan)) {
    const cost = toeplitzCost(plan);
    const other = diagonalsCost(plan.spec, options, { cost, objective }, plan.analysis.decodeWidth);
    const { choice, reason } = chooseLowering(cost, other, objective);
    return { lowering: 'toeplitz', asked, auto: choice, reason };
  }
  const estimate: CostEstimate = {
    milliseconds: plan.report.estimatedMilliseconds,
    bytes: plan.bytes.upload + plan.bytes.response + keyBytes(plan),
  };
  try {
    const other = compileSpec(plan.spec, { ...options, lowering: 'toeplitz' });
    const { choice, reason } = chooseLowering(toeplitzCost(other), { kind: 'estimate', estimate }, objective);
    return { lowering: 'diagonals', asked, auto: choice, reason };
  } catch (error) {
    if (!(error instanceof CipherconvError) || error.code === 'internal') throw error;
    const reason = `toeplitz cannot do it: ${error.details.message}`;
    return { lowering: 'diagonals', asked, auto: 'diagonals', reason };
  }
}

/** The report as lines of text. */
export function loweringReportLines(report: LoweringReport): string[] {
  return [`${report.lowering}${verdictOf(report)}: ${report.reason}`];
}

function verdictOf({ lowering, asked, auto }: LoweringReport): string {
  if (lowering === auto) return ', the cheaper one';
  if (asked === null) return `; ${auto} would be cheaper, if nothing else is asked for`;
  return asked
    ? `, as asked for; ${auto} is the cheaper one`
    : `, the one that the other options leave; ${auto} would be cheaper`;
}
