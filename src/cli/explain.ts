import type { Command } from '@commander-js/extra-typings';
import { compileConfig } from '../compile.ts';
import { loadAnySource } from '../model/modelSources.ts';
import { loweringReport } from '../report/loweringReport.ts';
import { noiseReport } from '../report/noiseReport.ts';
import { compileOptions, refuseCompileOptions, addCompileOptions } from './compileOptions.ts';
import { explainPlan } from './explainText.ts';
import { planSummary } from './planSummary.ts';
import { addModelFlags, modelFlags } from './modelFlags.ts';
import type { Terminal } from './terminal.ts';

/** `explain PLAN|CONFIG|MODEL`: what was chosen, why, what was refused. */
export function addExplain(program: Command, terminal: () => Terminal): void {
  const command = program
    .command('explain')
    .description('say what a plan chose, why, and what was refused')
    .argument('<plan>', 'a plan, a filter config or an ONNX model, or - for stdin')
    .option('--json', 'print it as JSON');
  addCompileOptions(command);
  addModelFlags(command);
  command.action(async (path, flags, self) => {
    const io = terminal();
    const options = compileOptions(self);
    const source = await loadAnySource(path, modelFlags(self));
    const json = flags.json === true;
    if (source.kind === 'model' || source.kind === 'model-plan') {
      if (source.kind === 'model-plan') refuseCompileOptions(self);
      const { explainModel } = await import('./models.ts');
      explainModel(source, options, json, io);
      return;
    }
    if (source.kind === 'plan') refuseCompileOptions(self);
    const stored = source.kind === 'plan' ? source.stored : compileConfig(source.config, options);
    const noise = noiseReport(stored.plan);
    const lowering = loweringReport(stored.plan);
    io.print(
      json
        ? `${JSON.stringify({ ...planSummary(stored), loweringReport: lowering, noiseReport: noise })}\n`
        : explainPlan(stored, noise, lowering),
    );
  });
}
