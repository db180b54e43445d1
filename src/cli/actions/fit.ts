import { CipherconvError } from '../../../compiler/base/errors.ts';
import type { Squares } from '../../fit/activation.ts';
import type { Augmentation } from '../../fit/augment.ts';
import { loadExamples } from '../../fit/data.ts';
import type { Examples } from '../../fit/examples.ts';
import { fit } from '../../fit/fit.ts';
import type { FitReport } from '../../fit/fit.ts';
import { parseArchitecture } from '../../fit/parseArchitecture.ts';
import { classCount } from '../../fit/stages.ts';
import type { Epoch } from '../../fit/trainer.ts';
import {
  displayName,
  readText,
  requireDistinct,
  requireWritable,
  STANDARD_STREAM,
  writeWhole,
} from '../../frontend/files.ts';
import { fitText } from '../fitText.ts';
import type { Terminal } from '../terminal.ts';

interface FitFlags {
  readonly data: string;
  readonly labels: string;
  readonly accumulatorBits: number;
  readonly output: string;
  readonly validationData?: string | undefined;
  readonly validationLabels?: string | undefined;
  readonly heldOut: number;
  readonly epochs: number;
  readonly seed: number;
  readonly augment: Augmentation;
  readonly squares?: Squares | undefined;
  readonly json?: true | undefined;
}

export async function fitCommand(path: string, flags: FitFlags, io: Terminal): Promise<void> {
  await requireFiles(path, flags);
  const parsed = parseArchitecture(await readText(path), displayName(path));
  const { input } = parsed.architecture;
  const classes = classCount(parsed.stages);
  const examples = await loadExamples(flags, input, classes);
  const own = validationFiles(flags);
  const validation: Examples | number =
    own === null ? flags.heldOut / 100 : await loadExamples(own, input, classes);
  const { report, model } = await fit(parsed, examples, {
    accumulatorBits: flags.accumulatorBits,
    seed: flags.seed,
    epochs: flags.epochs,
    augmentation: flags.augment,
    ...(flags.squares === undefined ? {} : { squares: flags.squares }),
    validation,
    onEpoch: (epoch, epochs) => {
      io.remark(epochLine(epoch, epochs));
    },
    onProgress: io.progress,
  });
  io.endProgress();
  await writeWhole(flags.output, model);
  tell(report, flags, io);
}

/** Everything can be read and written that the command line names, before hours of work. */
async function requireFiles(path: string, flags: FitFlags): Promise<void> {
  const read = [path, flags.data, flags.labels, flags.validationData, flags.validationLabels].filter(
    (file) => file !== undefined,
  );
  if (read.filter((file) => file === STANDARD_STREAM).length > 1)
    throw new CipherconvError({
      code: 'usage',
      message: 'stdin can be read once',
      hint: 'name files instead',
    });
  const inputs = read.map((file) => ({ what: 'the input', path: file }));
  await requireDistinct(inputs, [{ what: '--output', path: flags.output }]);
  await requireWritable(flags.output);
}

function validationFiles(flags: FitFlags): { data: string; labels: string } | null {
  const { validationData: data, validationLabels: labels } = flags;
  if (data === undefined && labels === undefined) return null;
  if (data !== undefined && labels !== undefined) return { data, labels };
  throw new CipherconvError({
    code: 'usage',
    message: '--validation-data and --validation-labels go together',
    hint: `add ${data === undefined ? '--validation-data' : '--validation-labels'} FILE`,
  });
}

function epochLine({ epoch, loss, accuracy }: Epoch, epochs: number): string {
  const count = `${epoch}`.padStart(`${epochs}`.length);
  return `epoch ${count} of ${epochs}   loss ${loss.toFixed(4)}   right ${(100 * accuracy).toFixed(2)}%\n`;
}

/** The report goes to stdout, unless the model does. */
function tell(report: FitReport, flags: FitFlags, io: Terminal): void {
  const output = flags.output === STANDARD_STREAM ? null : flags.output;
  const text =
    flags.json === true ? `${JSON.stringify({ ...report, output }, null, 2)}\n` : fitText(report, output);
  if (output === null) io.remark(text);
  else io.print(text);
}
