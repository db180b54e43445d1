import { withAccumulatorBits } from '../../../compiler/accumulator/declaredWidth.ts';
import { CipherconvError } from '../../../compiler/base/errors.ts';
import { longWork } from '../../../runtime/longWork.ts';
import { displayName, requireWritable, STANDARD_STREAM, writeWhole } from '../../frontend/files.ts';
import { openCalibration } from '../../lint/calibrationInputs.ts';
import { lintExitCode } from '../../lint/finding.ts';
import { loadAnySource } from '../../model/modelSources.ts';
import type { Source } from '../../model/modelSources.ts';
import { reportOf } from '../../report/data/reportOf.ts';
import type { ReportSubject } from '../../report/data/reportOf.ts';
import { reportDocument } from '../../report/html/document.ts';
import { requireSeparate } from '../clientFiles.ts';
import { compileOptions, refuseCompileOptions } from '../compileOptions.ts';
import type { ParsedOptions } from '../compileOptions.ts';
import { boundFiles, isNonInteractive, modelFlags } from '../modelFlags.ts';
import { configSubject, modelPlanSubject, modelSubject, planSubject } from '../reportSubjects.ts';
import type { SubjectRequest } from '../reportSubjects.ts';
import type { Terminal } from '../terminal.ts';

interface ReportFlags {
  readonly calibration?: string | undefined;
  readonly output?: string | undefined;
  readonly json?: true | undefined;
}

/** `report CONFIG|PLAN|MODEL`. What overflows is reported too, and ends with 1 as it does with `lint`. */
export async function report(
  path: string,
  { calibration, output, json }: ReportFlags,
  self: ParsedOptions,
  io: Terminal,
): Promise<void> {
  const flags = modelFlags(self);
  const file = output === STANDARD_STREAM ? undefined : output;
  const read = [
    { what: 'the source', path },
    ...boundFiles(flags),
    ...(calibration === undefined ? [] : [{ what: '--calibration', path: calibration }]),
  ];
  await requireSeparate(read, file === undefined ? [] : [{ what: 'the report', path: file }]);
  if (file !== undefined) await requireWritable(file);
  if (isNonInteractive(self)) refuseNetwork(path, BY_LAYERS);
  const samples = calibration === undefined ? null : await openCalibration(calibration);
  const source = await loadAnySource(path, flags);
  const subject = await subjectOf(
    source,
    { file: displayName(path), calibration: samples, options: compileOptions(self), io },
    self,
  );
  samples?.requireUse(io.notice);
  const made = longWork(() => reportOf(subject));
  const text = json === true ? `${JSON.stringify(made)}\n` : longWork(() => reportDocument(made));
  if (file === undefined) io.print(text);
  else await writeWhole(file, text);
  const { findings, totals } = made;
  const code = lintExitCode({ findings, layers: [] }, Infinity);
  io.finish({ kind: 'linted', exitCode: code === 0 && totals.refused > 0 ? 1 : code });
}

async function subjectOf(
  source: Source,
  request: SubjectRequest,
  self: ParsedOptions,
): Promise<ReportSubject> {
  switch (source.kind) {
    case 'config': {
      const { config } = source;
      const { accumulatorBits } = request.options;
      const spec = withAccumulatorBits(config.spec, accumulatorBits);
      return await configSubject({ ...config, spec }, request);
    }
    case 'plan':
      refuseCompileOptions(self);
      return await planSubject(source.stored, request);
    case 'model':
      return await modelSubject(source.model, request);
    case 'model-plan':
      refuseCompileOptions(self);
      return await modelPlanSubject(source.plan, request);
    case 'network-plan':
      return refuseNetwork(request.file, FROM_PLAN);
    case 'server-model':
    case 'client-model':
      return refuse('the report of one side of a model');
    default:
      return source satisfies never;
  }
}

const BY_LAYERS =
  'explain MODEL --mode non-interactive says it in text, with --json as data; report MODEL alone shows the model layer by layer';
const FROM_PLAN =
  'explain PLAN says ranges, layout, primes, noise and cost in text, with --json as data; report MODEL shows the model layer by layer';

function refuseNetwork(where: string, hint: string): never {
  throw new CipherconvError({
    code: 'unsupported',
    where,
    message:
      'not supported yet: the report of a network of one round: reports show the plan of every layer, and its layers have one plan for all',
    hint,
  });
}

function refuse(what: string): never {
  throw new CipherconvError({
    code: 'unsupported',
    message: `not supported yet: ${what}`,
    expected: 'a filter config, a plan, a model or the whole plan of one',
    hint: 'explain says in text what it is',
  });
}
