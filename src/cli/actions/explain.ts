import { longWork } from '../../../runtime/longWork.ts';
import { compileConfig } from '../../compile.ts';
import { loadAnySource } from '../../model/modelSources.ts';
import { loweringReport } from '../../report/loweringReport.ts';
import { noiseReport } from '../../report/noiseReport.ts';
import { compileOptions, refuseCompileOptions } from '../compileOptions.ts';
import type { ParsedOptions } from '../compileOptions.ts';
import { explainPlan } from '../explainText.ts';
import { modelFlags } from '../modelFlags.ts';
import { planSummary } from '../planSummary.ts';
import { late } from '../interrupt.ts';
import type { Terminal } from '../terminal.ts';

interface ExplainFlags {
  readonly json?: true | undefined;
}

export async function explain(
  path: string,
  flags: ExplainFlags,
  self: ParsedOptions,
  io: Terminal,
): Promise<void> {
  const options = compileOptions(self);
  const source = await loadAnySource(path, modelFlags(self));
  const json = flags.json === true;
  if (source.kind === 'model' || source.kind === 'model-plan') {
    if (source.kind === 'model-plan') refuseCompileOptions(self);
    const { explainModel } = await late(import('./models.ts'));
    explainModel(source, options, json, io);
    return;
  }
  if (source.kind === 'plan') refuseCompileOptions(self);
  const stored = source.kind === 'plan' ? source.stored : compileConfig(source.config, options);
  // Both compile again, otherwise than the plan was.
  const noise = longWork(() => noiseReport(stored.plan));
  const lowering = longWork(() => loweringReport(stored.plan));
  io.print(
    json
      ? `${JSON.stringify({ ...planSummary(stored), loweringReport: lowering, noiseReport: noise })}\n`
      : explainPlan(stored, noise, lowering),
  );
}
