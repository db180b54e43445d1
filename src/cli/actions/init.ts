import { basename, dirname, extname, join, relative, sep } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { CipherconvError } from '../../../compiler/base/errors.ts';
import { printable } from '../../../compiler/base/printable.ts';
import type { ConvSpec } from '../../../compiler/convolution/spec.ts';
import {
  displayName,
  readBytes,
  requireDistinct,
  requireWritable,
  STANDARD_STREAM,
  writeWhole,
} from '../../frontend/files.ts';
import { nearest } from '../../frontend/nearest.ts';
import { modelFormat } from '../../model/modelFiles.ts';
import { decodeNpyNumbers, encodeNpy } from '../../frontend/npy.ts';
import { configText, specOfFilter, weightShape, withOwnWidth } from '../../init/config.ts';
import { filterOfKernel, filterOfNumbers } from '../../init/filter.ts';
import type { Filter } from '../../init/filter.ts';
import { KERNELS } from '../../init/kernelNames.ts';
import type { KernelName } from '../../init/kernelNames.ts';
import { kernelOf } from '../../init/kernels.ts';
import { SCHEMA_FILE } from '../../init/schemaFile.ts';
import { late } from '../interrupt.ts';
import type { Terminal } from '../terminal.ts';

interface InitFlags {
  readonly kernel?: KernelName | undefined;
  readonly size?: number | undefined;
  readonly from?: string | undefined;
  readonly layer?: string | undefined;
  readonly scale?: number | undefined;
  readonly bits?: number | undefined;
  readonly input?: readonly [height: number, width: number] | undefined;
  readonly inputBits?: number | undefined;
  readonly output?: string | undefined;
}

/** More weights than that go into a file of their own. */
const MOST_INLINE = 256;

export async function initCommand(flags: InitFlags, io: Terminal): Promise<void> {
  if (flags.from !== undefined) await refuseTflite(flags.from);
  requireTogether(flags);
  const asked = flags.kernel === undefined && flags.from === undefined ? await ask(flags) : flags;
  const output = asked.output ?? STANDARD_STREAM;
  const weights = weightsFile(output);
  if (asked.from !== undefined) {
    const written = [output, ...(weights === null ? [] : [weights])].map((path) => ({
      what: '--output',
      path,
    }));
    await requireDistinct([{ what: '--from', path: asked.from }], written);
  }
  await requireWritable(output);
  const spec = withOwnWidth(await specOf(asked, output, io));
  const isLarge = spec.weights.values.length > MOST_INLINE && weights !== null;
  const folder = output === STANDARD_STREAM ? '.' : dirname(output);
  const schema = relative(folder, SCHEMA_FILE).split(sep).join('/');
  if (isLarge)
    await writeWhole(
      weights,
      encodeNpy({ shape: weightShape(spec), data: Float64Array.from(spec.weights.values) }),
    );
  await writeWhole(output, configText(spec, schema, isLarge ? basename(weights) : null));
  if (output === STANDARD_STREAM) return;
  const { bits, signed } = spec.accumulator ?? { bits: 0, signed: false };
  io.print(
    `${printable(output)}: ${printable(spec.name)}, weights of ${spec.weights.bits} bits, ` +
      `every sum within ${bits} ${signed ? 'signed' : 'unsigned'} bits\n`,
  );
}

/** @throws CipherconvError `unsupported` */
async function refuseTflite(where: string): Promise<void> {
  if ((await modelFormat(where)) !== 'tflite') return;
  throw new CipherconvError({
    code: 'unsupported',
    where,
    message: 'not supported yet: layers of TensorFlow Lite models as configs',
    hint: 'lint, compile and run take the model as it is',
  });
}

function requireTogether(flags: InitFlags): void {
  const isModel = flags.from !== undefined && extname(flags.from).toLowerCase() === '.onnx';
  const refuse = (message: string, hint: string): never => {
    throw new CipherconvError({ code: 'usage', message, hint });
  };
  if (flags.kernel !== undefined && flags.from !== undefined)
    refuse('--kernel and --from are two filters', 'leave out one of them');
  if (flags.size !== undefined && flags.from !== undefined)
    refuse('--size is for --kernel', 'weights from a file have a size');
  if (flags.layer !== undefined && !isModel) refuse('--layer is for models', 'add --from MODEL.onnx');
  if (flags.scale !== undefined && (flags.from === undefined || isModel))
    refuse('--scale is for weights from a .npy file', 'add --from WEIGHTS.npy');
  const [own] = (['bits', 'input', 'inputBits'] as const).filter((name) => flags[name] !== undefined);
  if (isModel && own !== undefined)
    refuse('the layer of a model has its own bits and sizes', 'leave out --bits, --input and --input-bits');
}

/** A question or two, where a person is there. */
async function ask(flags: InitFlags): Promise<InitFlags> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new CipherconvError({
      code: 'usage',
      message: 'no filter is named',
      hint: `add --kernel ${KERNELS.join('|')}, or --from WEIGHTS.npy|MODEL.onnx`,
    });
  }
  const reader = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = (await reader.question(`Which filter? ${KERNELS.join(', ')} [gaussian] `)).trim();
    const kernel = KERNELS.find((name) => name === (answer || 'gaussian'));
    if (kernel === undefined) {
      const near = nearest(answer, KERNELS);
      throw new CipherconvError({
        code: 'usage',
        message: `there is no filter ${JSON.stringify(answer)}`,
        expected: KERNELS.join(', '),
        ...(near === null ? {} : { hint: `did you mean ${near}?` }),
      });
    }
    const output = flags.output ?? (await reader.question(`Which file? [${kernel}.conv.json] `)).trim();
    return { ...flags, kernel, output: output || `${kernel}.conv.json` };
  } finally {
    reader.close();
  }
}

/** Beside the config; null on stdout. */
function weightsFile(output: string): string | null {
  if (output === STANDARD_STREAM) return null;
  return join(dirname(output), `${basename(output).replace(/(\.conv)?\.json$/, '')}.weights.npy`);
}

async function specOf(flags: InitFlags, output: string, io: Terminal): Promise<ConvSpec> {
  const { from } = flags;
  if (from !== undefined && extname(from).toLowerCase() === '.onnx') return layerSpec(from, flags.layer, io);
  const filter = from === undefined ? kernelFilter(flags) : await readFilter(from, flags);
  if (filter.error > 0)
    io.notice(
      `quantized to ${filter.bits} bits: no weight is off by more than ${filter.error.toPrecision(3)}`,
    );
  const [height, width] = flags.input ?? [28, 28];
  const name = flags.kernel ?? nameOf(output === STANDARD_STREAM ? (from ?? 'filter') : output);
  return specOfFilter(name, filter, { height, width, bits: flags.inputBits ?? 2 });
}

function kernelFilter({ kernel = 'gaussian', size = 3, bits }: InitFlags): Filter {
  return filterOfKernel(kernelOf(kernel, size), bits ?? null);
}

async function readFilter(path: string, { bits, scale }: InitFlags): Promise<Filter> {
  const numbers = decodeNpyNumbers(await readBytes(path), displayName(path));
  return filterOfNumbers(numbers, displayName(path), { bits: bits ?? null, scale: scale ?? null });
}

function nameOf(path: string): string {
  return (
    basename(path)
      .replace(/(\.conv)?\.[a-z]+$/i, '')
      .slice(0, 200) || 'filter'
  );
}

async function layerSpec(path: string, name: string | undefined, io: Terminal): Promise<ConvSpec> {
  const { importOnnx } = await late(import('../../frontend/onnx/importOnnx.ts'));
  const { layers } = await importOnnx(path);
  const names = layers.map((layer) => layer.name);
  if (name === undefined && layers.length > 1) {
    throw new CipherconvError({
      code: 'usage',
      where: displayName(path),
      message: 'the model has several layers',
      expected: `--layer with one of ${names.join(', ')}`,
    });
  }
  const layer = name === undefined ? layers[0] : layers.find((each) => each.name === name);
  if (layer === undefined) {
    const near = nearest(name ?? '', names);
    throw new CipherconvError({
      code: 'usage',
      where: displayName(path),
      message: `there is no encrypted layer ${JSON.stringify(name)}`,
      expected: names.join(', '),
      ...(near === null ? {} : { hint: `did you mean ${near}?` }),
    });
  }
  if (layer.weightScales !== null)
    io.notice('the scales of the layer stay behind: the config has its integers');
  return layer.spec;
}
