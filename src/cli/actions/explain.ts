import { extname } from 'node:path';
import { CipherconvError } from '../../../compiler/base/errors.ts';
import { longWork } from '../../../runtime/longWork.ts';
import { passesOf } from '../../../compiler/lowerings/compile.ts';
import { compileConfig } from '../../compile.ts';
import { complete } from '../../hint.ts';
import { requireWritable, STANDARD_STREAM, writeWhole } from '../../frontend/files.ts';
import type { ConvSource } from '../../frontend/sources.ts';
import { loadAnySource } from '../../model/modelSources.ts';
import { reportsOf } from '../planReports.ts';
import type { CompileOptions } from '../../../compiler/lowerings/compile.ts';
import type { ParsedConfig } from '../../frontend/config.ts';
import type { StoredPlan } from '../../frontend/planFile.ts';
import { compileOptions, refuseCompileOptions } from '../compileOptions.ts';
import type { ParsedOptions } from '../compileOptions.ts';
import { requireSeparate } from '../clientFiles.ts';
import { explainPasses, explainPlan } from '../explainText.ts';
import { isNonInteractive, modelFlags } from '../modelFlags.ts';
import { planSummary } from '../planSummary.ts';
import type { NetworkSource } from './networks.ts';
import { late } from '../interrupt.ts';
import type { Terminal } from '../terminal.ts';

interface ExplainFlags {
  readonly json?: true | undefined;
  readonly passes?: true | undefined;
  readonly picture?: string | undefined;
}

export async function explain(
  path: string,
  flags: ExplainFlags,
  self: ParsedOptions,
  io: Terminal,
): Promise<void> {
  const options = compileOptions(self);
  if (flags.picture !== undefined) {
    requireSvgName(flags.picture);
    await requireSeparate([{ what: 'the source', path }], [{ what: '--picture', path: flags.picture }]);
    await requireWritable(flags.picture);
  }
  const source = await loadAnySource(path, modelFlags(self));
  if (flags.picture !== undefined && source.kind !== 'config' && source.kind !== 'plan') refusePicture();
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
    await explainModel(source, options, json, io);
    return;
  }
  await explainConvolution(source, flags, self, io);
}

/** Explains the plan of one convolution, which a config is compiled to. */
async function explainConvolution(
  source: ConvSource,
  flags: ExplainFlags,
  self: ParsedOptions,
  io: Terminal,
): Promise<void> {
  if (source.kind === 'plan') refuseCompileOptions(self);
  const stored = source.kind === 'plan' ? source.stored : await compiled(source.config, compileOptions(self));
  if (flags.picture !== undefined) {
    const { packingPicture } = await late(import('../../report/packing/picture.ts'));
    const { packingSvg } = await late(import('../../report/html/packingSvg.ts'));
    const { plan } = stored;
    await writeWhole(
      flags.picture,
      longWork(() => packingSvg(packingPicture(plan), plan.spec.name)),
    );
  }
  // A picture on stdout stands alone.
  if (flags.picture === STANDARD_STREAM) return;
  const reports = longWork(() => reportsOf(stored));
  const passes = flags.passes === true ? longWork(() => passesOf(stored.plan)) : null;
  if (flags.json === true) {
    const summary = {
      ...planSummary(stored),
      loweringReport: reports.lowering,
      protocolReport: reports.protocol,
      noiseReport: reports.noise,
    };
    io.print(`${JSON.stringify(passes === null ? summary : { ...summary, passes })}\n`);
    return;
  }
  io.print(explainPlan(stored, reports) + (passes === null ? '' : explainPasses(passes)));
}

async function compiled(config: ParsedConfig, options: CompileOptions): Promise<StoredPlan> {
  const { plan } = await complete(compileConfig(config, options));
  return plan;
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

/** SVG under the name of another kind of file opens nowhere. */
function requireSvgName(path: string): void {
  const kind = extname(path).toLowerCase();
  if (path === STANDARD_STREAM || kind === '' || kind === '.svg') return;
  throw new CipherconvError({
    code: 'unsupported',
    where: '--picture',
    message: 'pictures of packings are SVG',
    expected: 'a name that ends with .svg, or - for stdout',
    found: path,
    hint: `--picture ${path.slice(0, -kind.length)}.svg`,
  });
}

function refusePicture(): never {
  throw new CipherconvError({
    code: 'unsupported',
    where: '--picture',
    message: 'not supported yet: the picture of a whole model',
    hint: 'report shows the packing of every layer, or give one layer as a filter config (init --from MODEL --layer NAME)',
  });
}

function refusePasses(): never {
  throw new CipherconvError({
    code: 'unsupported',
    where: '--passes',
    message: 'not supported yet: the passes of a whole model',
    hint: 'compile one layer from a filter config, or leave --passes out',
  });
}
