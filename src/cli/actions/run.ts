import { CipherconvError } from '../../../compiler/base/errors.ts';
import { compileConfig } from '../../compile.ts';
import { resizeSpec } from '../../frontend/autoPad.ts';
import type { ParsedConfig } from '../../frontend/config.ts';
import { refuseOverInput, STANDARD_STREAM } from '../../frontend/files.ts';
import type { NamedFile } from '../../frontend/files.ts';
import { writeOutput } from '../../frontend/outputs.ts';
import type { PlanCore, StoredPlan } from '../../frontend/planFile.ts';
import type { PictureRules } from '../../frontend/pictureFit.ts';
import { loadInput } from '../../frontend/tensors.ts';
import type { InputSource } from '../../frontend/tensors.ts';
import { loadAnySource } from '../../model/modelSources.ts';
import type { ModelPart } from '../../model/modelSources.ts';
import { compileOptions, refuseCompileOptions } from '../compileOptions.ts';
import type { ParsedOptions } from '../compileOptions.ts';
import { requireSeparate } from '../clientFiles.ts';
import { allowsClear, boundFiles, isNonInteractive, modelFlags, refuseAllowClear } from '../modelFlags.ts';
import { pictureRules } from '../pictureFlags.ts';
import { describeRun } from '../runText.ts';
import type { NetworkSource } from './networks.ts';
import { late } from '../interrupt.ts';
import { planInputs } from '../planInputs.ts';
import { inputFilesOf, requireRoom } from '../manyInputs.ts';
import type { InputFiles } from '../manyInputs.ts';
import type { ConvSource } from '../../frontend/sources.ts';
import type { RunResult } from '../../run.ts';
import type { Terminal } from '../terminal.ts';
import type { RunOptions } from '../../run.ts';
import type { JudgeMode } from '../../sealJudge.ts';
import type { CompileOptions } from '../../../compiler/lowerings/compile.ts';

interface RunFlags {
  readonly input: readonly string[];
  readonly output?: string | undefined;
  readonly weightMemory?: number | undefined;
  readonly judge?: JudgeMode | undefined;
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
  const files = await inputFilesOf(flags.input);
  if (flags.output !== undefined) await requireRoom(flags.output, files);
  const source = await loadAnySource(
    path,
    model,
    files.kind === 'folder' ? [files.paths[0] ?? ''] : flags.input,
  );
  if (flags.output !== undefined) await refuseOverInput(flags.output);
  if (source.kind === 'server-model' || source.kind === 'client-model') refusePart(source, path);
  if (source.kind === 'network-plan' || (source.kind === 'model' && isNonInteractive(self))) {
    await runWholeNetwork(source, files, { ...flags, rules }, self, io);
    return;
  }
  if (source.kind === 'plan' || source.kind === 'model-plan') refuseCompileOptions(self);
  const running = runOptions(flags);
  if (source.kind === 'model' || source.kind === 'model-plan') {
    const { runModelSource } = await late(import('./models.ts'));
    const { output } = flags;
    await runModelSource(
      source,
      {
        options: { ...options, allowClear: allowsClear(self) },
        files,
        output,
        json: flags.json === true,
        rules,
        ...running,
      },
      io,
    );
    return;
  }
  refuseAllowClear(self);
  await runConvolution(source, { flags, files, options, rules, running }, io);
}

/** Runs a network of one round. */
async function runWholeNetwork(
  source: NetworkSource,
  files: InputFiles,
  { output, json, rules }: RunFlags & { readonly rules: PictureRules },
  self: ParsedOptions,
  io: Terminal,
): Promise<void> {
  const { runNetworkSource, storedNetwork } = await late(import('./networks.ts'));
  const stored = storedNetwork(source, self);
  const model = source.kind === 'model' ? source.model : null;
  await runNetworkSource(stored, { model, files, output, json: json === true, rules }, io);
}

interface ConvolutionRun {
  readonly flags: RunFlags;
  readonly files: InputFiles;
  readonly options: CompileOptions;
  readonly rules: PictureRules;
  readonly running: Pick<RunOptions, 'weightMemoryBytes' | 'judge'>;
}

async function runConvolution(
  source: ConvSource,
  { flags, files, options, rules, running }: ConvolutionRun,
  io: Terminal,
): Promise<void> {
  const input = await loadInput(files.kind === 'folder' ? (files.paths[0] ?? '') : onlyInput(flags.input));
  io.progress('compile', 0, 1);
  const stored =
    source.kind === 'plan'
      ? planFor(source.stored, input, rules)
      : compileFor(source.config, options, rules.resize ? null : input, io.notice);
  const [tensor, ...more] = planInputs(input, stored.plan.spec, stored.layout, rules, io.notice);
  // Loaded late: node-seal is large, and bad input is refused before.
  if (files.kind === 'folder' || more.length > 0 || tensor === undefined) {
    const { runManyPlans } = await late(import('./runMany.ts'));
    const many = { output: flags.output, json: flags.json === true, rules };
    await runManyPlans(stored, files, many, { ...running, onProgress: io.progress }, io);
    return;
  }
  const { run } = await late(import('../../run.ts'));
  const result = await run(stored.plan, tensor, { ...running, onProgress: io.progress });
  io.endProgress();
  await tellResult(result, stored, flags, io);
}

async function tellResult(result: RunResult, stored: PlanCore, flags: RunFlags, io: Terminal): Promise<void> {
  const { report, output } = result;
  // A wrong result is never written down as if it were one.
  if (report.match && flags.output !== undefined)
    await writeOutput(flags.output, output, stored.layout, io.notice);
  if (flags.json === true) io.print(`${JSON.stringify(report)}\n`);
  else if (flags.output === STANDARD_STREAM) io.remark(describeRun(stored.plan, result));
  else io.print(describeRun(stored.plan, result));
  if (!report.match) io.finish({ kind: 'mismatch' });
}

/** What a run takes of its flags. */
function runOptions({ weightMemory, judge }: RunFlags): Pick<RunOptions, 'weightMemoryBytes' | 'judge'> {
  return {
    ...(weightMemory === undefined ? {} : { weightMemoryBytes: weightMemory * 2 ** 20 }),
    ...(judge === undefined ? {} : { judge }),
  };
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
): PlanCore {
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
