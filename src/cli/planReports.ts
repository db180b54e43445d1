import type { StoredPlan } from '../frontend/planFile.ts';
import { loweringReport } from '../report/loweringReport.ts';
import type { LoweringReport } from '../report/loweringReport.ts';
import { noiseReport } from '../report/noiseReport.ts';
import type { NoiseReport } from '../report/noiseReport.ts';
import { protocolReport } from '../report/protocolReport.ts';
import type { ProtocolReport } from '../report/protocolReport.ts';

/** What a plan is compared with, for people. */
export interface PlanReports {
  readonly noise: NoiseReport;
  readonly lowering: LoweringReport;
  /** Null for a plan that has no other protocol. */
  readonly protocol: ProtocolReport | null;
}

/** Each compiles again, otherwise than the plan was. */
export function reportsOf({ plan }: Pick<StoredPlan, 'plan'>): PlanReports {
  return { noise: noiseReport(plan), lowering: loweringReport(plan), protocol: protocolReport(plan) };
}
