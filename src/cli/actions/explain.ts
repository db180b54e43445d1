import { CipherconvError } from '../../../compiler/base/errors.ts';
import { longWork } from '../../../runtime/longWork.ts';
import { passesOf } from '../../../compiler/lowerings/compile.ts';
import { compileConfig } from '../../compile.ts';
import type { ConvSource } from '../../frontend/sources.ts';
import { loadAnySource } from '../../model/modelSources.ts';
import { loweringReport } from '../../report/loweringReport.ts';
import { noiseReport } from '../../report/noiseReport.ts';
import { compileOptions, refuseCompileOptions } from '../compileOptions.ts';
import type { ParsedOptions } from '../compileOptions.ts';
import { explainPasses, explainPlan } from '../explainText.ts';
import { isNonInteractive, modelFlags } from '../modelFlags.ts';
import { planSummary } from '../planSummary.ts';
import type { NetworkSource } from './networks.ts';
import { late } from '../interrupt.ts';
import type { Terminal } from '../terminal.ts';

interface ExplainFlags {
  readonly json?: true | undefined;
  readonly passes?: true | undefined;
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
  if (source.kind === 'server-model' || source.kind === 'client-model') {
    if (flags.passes === true) refusePasses();
    refuseCompileOptions(self);
    const { explainPart } = await late(import('./modelParts.ts'));
    explainPart(source, json, io);
    return;
  }
  if (source.kind === 'network-plan' || (source.kind === 'model' && isNonInteractive(self))) {
    await explainNetwork(source, flags, self, io);
    return;
  }
  if (source.kind === 'model' || source.kind === 'model-plan') {
    if (flags.passes === true) refusePasses();
    if (source.kind === 'model-plan') refuseCompileOptions(self);
    const { explainModel } = await late(import('./models.ts'));
    explainModel(source, options, json, io);
    return;
  }
  explainConvolution(source, flags, self, io);
}

/** Explains the plan of one convolution, which a config is compiled to. */
function explainConvolution(
  source: ConvSource,
  flags: ExplainFlags,
  self: ParsedOptions,
  io: Terminal,
): void {
  if (source.kind === 'plan') refuseCompileOptions(self);
  const stored = source.kind === 'plan' ? source.stored : compileConfig(source.config, compileOptions(self));
  // Both compile again, otherwise than the plan was.
  const noise = longWork(() => noiseReport(stored.plan));
  const lowering = longWork(() => loweringReport(stored.plan));
  const passes = flags.passes === true ? longWork(() => passesOf(stored.plan)) : null;
  if (flags.json === true) {
    const summary = { ...planSummary(stored), loweringReport: lowering, noiseReport: noise };
    io.print(`${JSON.stringify(passes === null ? summary : { ...summary, passes })}\n`);
    return;
  }
  io.print(explainPlan(stored, noise, lowering) + (passes === null ? '' : explainPasses(passes)));
}

/** Explains a network of one round. */
async function explainNetwork(
  source: NetworkSource,
  { json, passes }: ExplainFlags,
  self: ParsedOptions,
  io: Terminal,
): Promise<void> {
  if (passes === true) refusePasses();
  const { printNetwork, storedNetwork } = await late(import('./networks.ts'));
  printNetwork(storedNetwork(source, self), json === true, io);
}

function refusePasses(): never {
  throw new CipherconvError({
    code: 'unsupported',
    where: '--passes',
    message: 'not supported yet: the passes of a whole model',
    hint: 'compile one layer from a filter config, or leave --passes out',
  });
}
