import { compareLowerings } from '../../compiler/lowerings/choose.ts';
import type { Plan, Lowering } from '../../compiler/lowerings/plan.ts';

/** Why this lowering and not the other one. */
export interface LoweringReport {
  readonly lowering: Lowering;
  /** What `--lowering auto` takes by cost; another one than the plan's where that was asked for. */
  readonly auto: Lowering;
  readonly reason: string;
}

/** Compares the plan with what the other lowering costs under the plan's own request. */
export function loweringReport(plan: Plan): LoweringReport {
  const { auto, reason } = compareLowerings(plan);
  return { lowering: plan.lowering, auto, reason };
}

/** The report as lines of text. */
export function loweringReportLines({ lowering, auto, reason }: LoweringReport): string[] {
  const chosen =
    lowering === auto
      ? `${lowering}, the cheaper one`
      : `${lowering}, as asked for; ${auto} is the cheaper one`;
  return [`${chosen}: ${reason}`];
}
