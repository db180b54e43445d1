import { compareLowerings } from '../../compiler/lowerings/choose.ts';
import type { Plan, Lowering } from '../../compiler/lowerings/plan.ts';
import type { RefusedCandidate } from '../../compiler/lowering/plan.ts';

/** Why this lowering and not the other one. */
export interface LoweringReport {
  readonly lowering: Lowering;
  /** Whether the lowering was asked for. */
  readonly asked: boolean;
  /** What `--lowering auto` takes by cost, all other options the same. */
  readonly auto: Lowering;
  readonly reason: string;
}

/** Compares the plan with what the other lowering costs under the plan's own request. */
export function loweringReport(plan: Plan): LoweringReport {
  const { auto, reason } = compareLowerings(plan);
  return { lowering: plan.lowering, asked: plan.request.lowering !== 'auto', auto, reason };
}

/**
 * Why a candidate was not taken. Candidates are compared before seeds of uploads and dropped bits of responses are chosen, so
 * the costs in such a reason are not those of the plan: that is said beside them.
 */
export function refusalReason({ reason }: RefusedCandidate): string {
  return reason.includes(' costs ') ? `${reason} (compared before seeds and dropped bits)` : reason;
}

/** The report as lines of text. */
export function loweringReportLines(report: LoweringReport): string[] {
  return [`${report.lowering}${verdictOf(report)}: ${report.reason}`];
}

function verdictOf({ lowering, asked, auto }: LoweringReport): string {
  if (lowering === auto) return ', the cheaper one';
  return asked
    ? `, as asked for; ${auto} is the cheaper one`
    : `, the one that the other options leave; ${auto} would be cheaper`;
}
