import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { CipherconvError } from '../../../compiler/base/errors.ts';
import { printable } from '../../../compiler/base/printable.ts';
import type { ConvSpec } from '../../../compiler/convolution/spec.ts';
import {
  displayName,
  readBytes,
  requireDistinct,
  requireMissing,
  requireWritable,
  STANDARD_STREAM,
  writeWhole,
} from '../../frontend/files.ts';
import type { ImportedModel } from '../../frontend/imported/model.ts';
import { decodeNpyNumbers, encodeNpy } from '../../frontend/npy.ts';
import type { NpyNumbers } from '../../frontend/npy.ts';
import { configText, specOfFilter, weightShape, withOwnWidth } from '../../init/config.ts';
import { filterOfKernel, filterOfNumbers } from '../../init/filter.ts';
import { KERNELS } from '../../init/kernelNames.ts';
import type { KernelName } from '../../init/kernelNames.ts';
import { kernelOf } from '../../init/kernels.ts';
import { specOfLayer } from '../../init/modelLayer.ts';
import { askOn, numberFrom, oneOf } from '../../init/questions.ts';
import type { Questions } from '../../init/questions.ts';
import { quantizationText } from '../../init/scales.ts';
import { schemaPlace } from '../../init/schemaFile.ts';
import { bitsText } from '../../lint/texts.ts';
import { modelFormat } from '../../model/modelFiles.ts';
import { late } from '../interrupt.ts';
import { plural } from '../planText.ts';
import type { Terminal } from '../terminal.ts';

interface InitFlags {
  readonly kernel?: KernelName | undefined;
  readonly size?: number | undefined;
  readonly from?: string | undefined;
  readonly layer?: string | undefined;
  readonly extent?: readonly string[] | undefined;
  readonly scale?: number | undefined;
  readonly bits?: number | undefined;
  readonly input?: readonly [height: number, width: number] | undefined;
  readonly inputBits?: number | undefined;
  readonly output?: string | undefined;
  readonly force?: true | undefined;
}

/** Where the weights come from. */
type WeightSource =
  | { readonly kind: 'kernel'; readonly name: KernelName }
  | { readonly kind: 'numbers'; readonly path: string; readonly numbers: NpyNumbers }
  | { readonly kind: 'model'; readonly path: string; readonly model: ImportedModel };

/** More weights than that go into a file of their own. */
const MOST_INLINE = 256;

/** @param questions null where nobody is there to answer */
export async function initCommand(
  flags: InitFlags,
  io: Terminal,
  questions: Questions | null = isPersonThere() ? askOn(process.stdin, process.stderr) : null,
): Promise<void> {
  try {
    const isModel = flags.from !== undefined && (await modelFormat(flags.from)) !== null;
    requireTogether(flags, isModel);
    const source = await sourceOf(flags, questions, isModel);
    const answered = questions === null ? flags : await completed(flags, source, questions);
    await write(source, answered, io);
  } finally {
    questions?.close();
  }
}

function isPersonThere(): boolean {
  return process.stdin.isTTY && process.stderr.isTTY;
}

function requireTogether(flags: InitFlags, isModel: boolean): void {
  const refuse = (message: string, hint: string): never => {
    throw new CipherconvError({ code: 'usage', message, hint });
  };
  if (flags.kernel !== undefined && flags.from !== undefined)
    refuse('--kernel and --from are two filters', 'leave out one of them');
  if (flags.size !== undefined && flags.from !== undefined)
    refuse('--size is for --kernel', 'weights from a file have a size');
  if (flags.layer !== undefined && !isModel)
    refuse('--layer is for models', 'add --from MODEL.onnx or MODEL.tflite');
  if (flags.extent !== undefined && !isModel) refuse('--extent is for models', 'add --from MODEL.onnx');
  if (flags.scale !== undefined && (flags.from === undefined || isModel))
    refuse('--scale is for weights from a .npy file', 'add --from WEIGHTS.npy');
  const [own] = (['bits', 'input', 'inputBits'] as const).filter((name) => flags[name] !== undefined);
  if (isModel && own !== undefined)
    refuse('the layer of a model has its own bits and sizes', 'leave out --bits, --input and --input-bits');
}

async function sourceOf(
  flags: InitFlags,
  questions: Questions | null,
  isModel: boolean,
): Promise<WeightSource> {
  const { from, kernel } = flags;
  if (kernel !== undefined) return { kind: 'kernel', name: kernel };
  if (from !== undefined && isModel) {
    const { loadModel } = await late(import('../../model/modelSources.ts'));
    const model = await loadModel(from, { bind: [], inputType: [], extent: flags.extent ?? [] });
    return { kind: 'model', path: from, model };
  }
  if (from !== undefined)
    return {
      kind: 'numbers',
      path: from,
      numbers: decodeNpyNumbers(await readBytes(from), displayName(from)),
    };
  if (questions === null) {
    throw new CipherconvError({
      code: 'usage',
      message: 'no filter is named',
      hint: `add --kernel ${KERNELS.join('|')}, or --from WEIGHTS.npy|MODEL.onnx|MODEL.tflite`,
    });
  }
  const first = 'gaussian' satisfies KernelName;
  const names = [first, ...KERNELS.filter((name) => name !== first)] as const;
  return {
    kind: 'kernel',
    name: await questions.ask(`Which filter? ${names.join(', ')} [${first}]`, oneOf(names)),
  };
}

/** What was not said and has no default, as a person answers it. */
async function completed(flags: InitFlags, source: WeightSource, { ask }: Questions): Promise<InitFlags> {
  const answers: { bits?: number; layer?: string; output?: string } = {};
  if (source.kind === 'numbers' && source.numbers.type.startsWith('f') && flags.bits === undefined)
    answers.bits = await ask('How many bits has a weight? [4]', numberFrom(2, 16, 4));
  if (source.kind === 'model' && flags.layer === undefined) {
    const [first, ...more] = source.model.layers.map(({ name }) => name);
    if (first !== undefined && more.length > 0)
      answers.layer = await ask(
        `Which layer? ${[first, ...more].join(', ')} [${first}]`,
        oneOf([first, ...more]),
      );
  }
  if (flags.output === undefined && process.stdout.isTTY) {
    const name = `${nameOf(source)}.conv.json`;
    answers.output = await ask(`Which file? [${name}]`, (answer) => freeName(answer || name));
  }
  return { ...flags, ...answers };
}

function freeName(path: string): { readonly value: string } | { readonly again: string } {
  return existsSync(path) ? { again: `${printable(path)} is there already: another name` } : { value: path };
}

async function write(source: WeightSource, flags: InitFlags, io: Terminal): Promise<void> {
  const output = flags.output ?? STANDARD_STREAM;
  const folder = output === STANDARD_STREAM ? null : dirname(output);
  const weights = folder === null ? null : join(folder, `${stem(output)}.weights.npy`);
  if (source.kind !== 'kernel') {
    const written = [output, ...(weights === null ? [] : [weights])];
    await requireDistinct(
      [{ what: '--from', path: source.path }],
      written.map((path) => ({ what: '--output', path })),
    );
  }
  await requireFree(output, flags);
  await requireWritable(output);
  const spec = withOwnWidth(specOf(source, flags, io));
  const isLarge = spec.weights.values.length > MOST_INLINE && weights !== null;
  if (isLarge) await requireFree(weights, flags);
  const schema = schemaPlace(folder);
  if (schema.copy !== null) await writeWhole(schema.copy.path, schema.copy.text);
  if (isLarge)
    await writeWhole(
      weights,
      encodeNpy({ shape: weightShape(spec), data: Float64Array.from(spec.weights.values) }),
    );
  await writeWhole(output, configText(spec, schema.path, isLarge ? basename(weights) : null));
  if (folder === null) return;
  const { bits, signed } = spec.accumulator ?? { bits: 0, signed: false };
  io.print(
    `${printable(output)}: ${printable(spec.name)}, weights of ${plural(spec.weights.bits, 'bit')}, ` +
      `every sum within ${bitsText({ bits, signed })}\n`,
  );
  if (isLarge) io.notice(`${weights}: the weights`);
  if (schema.copy !== null) io.notice(`${schema.copy.path}: the schema, for editors`);
}

/** A config is written by hand from its second day on: it is not replaced by the way. */
async function requireFree(path: string, { force }: InitFlags): Promise<void> {
  if (force !== true && (await isFile(path)))
    await requireMissing(path, 'name another file with -o, or replace it with --force');
}

/** Not what has no content to lose: a pipe, or /dev/null. */
async function isFile(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => null);
  return found?.isFile() === true;
}

function specOf(source: WeightSource, flags: InitFlags, io: Terminal): ConvSpec {
  if (source.kind === 'model') {
    const spec = specOfLayer(source.model, source.path, flags.layer);
    io.notice('the config has the integers of the layer; scales and what follows it stay in the model');
    return spec;
  }
  const { bits = null, scale = null } = flags;
  const filter =
    source.kind === 'kernel'
      ? filterOfKernel(kernelOf(source.name, flags.size ?? 3), bits)
      : filterOfNumbers(source.numbers, displayName(source.path), { bits, scale });
  const text = quantizationText(filter);
  if (text !== null) io.notice(text);
  const [height, width] = flags.input ?? [28, 28];
  const { output = STANDARD_STREAM } = flags;
  const name = source.kind === 'kernel' || output === STANDARD_STREAM ? nameOf(source) : stem(output);
  return specOfFilter(name, filter, { height, width, bits: flags.inputBits ?? 2 });
}

function nameOf(source: WeightSource): string {
  return source.kind === 'kernel' ? source.name : stem(source.path);
}

/** Without folder and ending. */
function stem(path: string): string {
  return (
    basename(path)
      .replace(/(\.conv)?\.[a-z]+$/i, '')
      .slice(0, 200) || 'filter'
  );
}
