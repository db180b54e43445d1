import { CipherconvError } from '../../../compiler/base/errors.ts';
import { compileConfig } from '../../compile.ts';
import { resizeSpec } from '../../frontend/autoPad.ts';
import type { ParsedConfig } from '../../frontend/config.ts';
import { refuseOverInput, STANDARD_STREAM } from '../../frontend/files.ts';
import type { NamedFile } from '../../frontend/files.ts';
import { requireOutput, writeOutput } from '../../frontend/outputs.ts';
import type { StoredPlan } from '../../frontend/planFile.ts';
import type { PictureRules } from '../../frontend/pictureFit.ts';
import { inputTensor, loadInput } from '../../frontend/tensors.ts';
import type { InputSource } from '../../frontend/tensors.ts';
import type { ConvSource } from '../../frontend/sources.ts';
import { loadAnySource } from '../../model/modelSources.ts';
import type { Source } from '../../model/modelSources.ts';
import type { ModelPart } from '../../model/modelSources.ts';
import { compileOptions, refuseCompileOptions } from '../compileOptions.ts';
import type { ParsedOptions } from '../compileOptions.ts';
import { requireSeparate } from '../clientFiles.ts';
import { allowsClear, boundFiles, isNonInteractive, modelFlags, refuseAllowClear } from '../modelFlags.ts';
import { pictureRules } from '../pictureFlags.ts';
import { describeRun } from '../runText.ts';
import { late } from '../interrupt.ts';
import type { Terminal } from '../terminal.ts';
import type { CompileOptions } from '../../../compiler/lowerings/compile.ts';

interface RunFlags {
  readonly input: readonly string[];
  readonly output?: string | undefined;
  readonly weightMemory?: number | undefined;
  readonly json?: true | undefined;
}

export async function runCommand(
  path: string,
  flags: RunFlags,
  self: ParsedOptions,
  io: Terminal,
): Promise<void> {
  const options = compileOptions(self);
  const rules = pictureRules(self);
  const model = modelFlags(self);
  await requireSeparate(
    [{ what: 'the config', path }, ...inputFiles(flags.input), ...boundFiles(model)],
    [
      ...(flags.output === undefined ? [] : [{ what: '--output', path: flags.output }]),
      ...(flags.json === true ? [{ what: '--json', path: STANDARD_STREAM }] : []),
    ],
  );
  if (flags.output !== undefined) await requireOutput(flags.output);
  const source = await loadAnySource(path, model, flags.input);
  if (flags.output !== undefined) await refuseOverInput(flags.output);
  if (source.kind !== 'config' && source.kind !== 'plan') {
    await runWhole(source, path, flags, self, io);
    return;
  }
  if (source.kind === 'plan') refuseCompileOptions(self);
  refuseAllowClear(self);
  const input = await loadInput(onlyInput(flags.input));
  io.progress('compile', 0, 1);
  const stored =
    source.kind === 'plan'
      ? planFor(source.stored, input, rules)
      : compileFor(source.config, options, rules.resize ? null : input, io.notice);
  const tensor = inputTensor(input, stored.plan.spec, stored.layout, io.notice, rules);
  // Loaded late: node-seal is large, and bad input is refused before.
  const { run } = await late(import('../../run.ts'));
  const result = await run(stored.plan, tensor, { ...weightMemory(flags), onProgress: io.progress });
  io.endProgress();
  const { report, output } = result;
  // A wrong result is never written down as if it were one.
  if (report.match && flags.output !== undefined)
    await writeOutput(flags.output, output, stored.layout, io.notice);
  if (flags.json === true) io.print(`${JSON.stringify(report)}\n`);
  else if (flags.output === STANDARD_STREAM) io.remark(describeRun(stored.plan, result));
  else io.print(describeRun(stored.plan, result));
  if (!report.match) io.finish({ kind: 'mismatch' });
}

/** What is more than one convolution. */
type WholeSource = Exclude<Source, ConvSource>;

/** Runs a model, or a network of one round. */
async function runWhole(
  source: WholeSource,
  path: string,
  flags: RunFlags,
  self: ParsedOptions,
  io: Terminal,
): Promise<void> {
  if (source.kind === 'server-model' || source.kind === 'client-model') refusePart(source, path);
  const request = {
    inputs: flags.input,
    output: flags.output,
    json: flags.json === true,
    rules: pictureRules(self),
    ...weightMemory(flags),
  };
  if (source.kind === 'network-plan' || (source.kind === 'model' && isNonInteractive(self))) {
    const { runNetworkSource, storedNetwork } = await late(import('./networks.ts'));
    await runNetworkSource(storedNetwork(source, self), request, io);
    return;
  }
  if (source.kind === 'model-plan') refuseCompileOptions(self);
  const { runModelSource } = await late(import('./models.ts'));
  const options = { ...compileOptions(self), allowClear: allowsClear(self) };
  await runModelSource(source, { options, ...request }, io);
}

function weightMemory({ weightMemory: mebibytes }: RunFlags): { readonly weightMemoryBytes?: number } {
  return mebibytes === undefined ? {} : { weightMemoryBytes: mebibytes * 2 ** 20 };
}

/** The files of `--input`, which may have the name of an input in front. */
function inputFiles(given: readonly string[]): NamedFile[] {
  return given
    .flatMap((text) => (text.includes('=') ? [text, text.slice(text.indexOf('=') + 1)] : [text]))
    .map((path) => ({ what: '--input', path }));
}

/** @throws CipherconvError `usage`: a convolution has one input. */
function onlyInput([first = '', ...others]: readonly string[]): string {
  if (others.length === 0) return first;
  throw new CipherconvError({
    code: 'usage',
    where: '--input',
    message: 'a convolution has one input',
    found: [first, ...others].join(', '),
  });
}

/** A plan is for one size: says what to do about a picture of another. */
function planFor(stored: StoredPlan, input: InputSource, { resize }: PictureRules): StoredPlan {
  if (input.kind === 'tensor' || resize) return stored;
  const { height, width } = stored.plan.spec.input;
  const { picture } = input;
  if (picture.height === height && picture.width === width) return stored;
  throw new CipherconvError({
    code: 'shape-mismatch',
    where: picture.file,
    message: 'the picture has another size than the plan was compiled for',
    expected: `${width} x ${height} (width x height)`,
    found: `${picture.width} x ${picture.height}`,
    hint: '--resize scales it; or give the filter config instead of the plan, which is then compiled for this size',
  });
}

/** Compiles a config, for the size of the picture, if there is one to go by, where that is another than the config's. */
function compileFor(
  config: ParsedConfig,
  options: CompileOptions,
  input: InputSource | null,
  notice: (sentence: string) => void,
): StoredPlan {
  if (input === null || input.kind === 'tensor') return compileConfig(config, options);
  const { height, width } = config.spec.input;
  const { picture } = input;
  if (picture.height === height && picture.width === width) return compileConfig(config, options);
  notice(
    `${picture.file}: ${picture.width} x ${picture.height}; compiled for this size ` +
      `instead of the ${width} x ${height} of ${config.file}`,
  );
  return compileConfig(
    config,
    options,
    resizeSpec(config.spec, picture.height, picture.width, config.autoPad),
  );
}

/** @throws CipherconvError `usage` */
function refusePart({ kind }: ModelPart, where: string): never {
  throw new CipherconvError({
    code: 'usage',
    where,
    message: `one side of a model alone does not run: this is the ${kind === 'server-model' ? "server's" : "client's"}`,
    expected: 'the model, or its plan compiled without --client-plan',
    hint:
      kind === 'server-model'
        ? 'put the client plan beside it, where it was when both were compiled, or serve this one'
        : 'infer --plan FILE --server URL runs it against a server',
  });
}
