import { readdir, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { inputHistograms, summarizeAccumulators } from '../../compiler/accumulator/calibration.ts';
import { CipherconvError } from '../../compiler/base/errors.ts';
import { makeSpec } from '../../compiler/convolution/spec.ts';
import type { ConvSpec } from '../../compiler/convolution/spec.ts';
import { convolve } from '../../runtime/clear/loops.ts';
import { requireReadable, unreadable } from '../frontend/files.ts';
import { canonicalShape, toCanonical } from '../frontend/layouts.ts';
import { PICTURE_KINDS } from '../frontend/pictureFile.ts';
import { pictureTensor } from '../frontend/pictureTensor.ts';
import type { Picture } from '../frontend/pictureTensor.ts';
import { loadInput } from '../frontend/tensors.ts';
import type { InputSource } from '../frontend/tensors.ts';
import type { Samples } from './analyze.ts';
import type { SourceLayer } from './rule.ts';

/**
 * Sample inputs for the calibrated tier. A tensor may hold any number of images; height and width of tensors and pictures
 * may differ from the config's, because a convolution slides over any size. Channels must agree.
 */
export interface CalibrationInputs {
  readonly path: string;
  /** The files, by name. */
  readonly files: readonly string[];
  /**
   * As integers or pictures, read once: what filter configs take.
   * @throws CipherconvError as `loadInput` does
   */
  readonly inputs: () => Promise<readonly InputSource[]>;
  /** Told about every convolution: whether an input fitted it; `inner` reads what other steps of its model make. */
  readonly used: (layer: string, fits: boolean | 'inner') => void;
  /**
   * Says which convolutions no input fitted, and how many read what other steps make.
   * @throws CipherconvError `shape-mismatch` when they fitted none at all, `unsupported` when all of them are inner.
   */
  readonly requireUse: (notice: (sentence: string) => void) => void;
}

const KINDS = ['.npy', '.json', '.pb', ...PICTURE_KINDS];

/**
 * A .npy, .json, .pb, .png or .jpg file, or all of them in a folder; read when they are needed.
 * @throws CipherconvError `unreadable`, also for a folder without any
 */
export async function openCalibration(path: string): Promise<CalibrationInputs> {
  const files = await filesOf(path);
  let loaded: Promise<readonly InputSource[]> | null = null;
  const unfitted: string[] = [];
  const inner: string[] = [];
  let fitted = 0;
  return {
    path,
    files,
    inputs: () => (loaded ??= readAll(files)),
    used: (layer, fits) => {
      if (fits === 'inner') inner.push(layer);
      else if (fits) fitted++;
      else unfitted.push(layer);
    },
    requireUse: (notice) => {
      if (fitted === 0 && unfitted.length > 0) {
        throw new CipherconvError({
          code: 'shape-mismatch',
          where: path,
          message: 'the sample inputs fit none of the convolutions',
          expected:
            'tensors or pictures with the input channels of a convolution, large enough for its kernel',
        });
      }
      if (fitted === 0) notice(`${path} is not used: there is no convolution to run it through`);
      if (unfitted.length > 0) notice(`${path} does not fit: ${listed(unfitted)}`);
      if (inner.length > 0) notice(`${path} says nothing about what other steps feed: ${listed(inner)}`);
    },
  };
}

async function readAll(files: readonly string[]): Promise<readonly InputSource[]> {
  const inputs: InputSource[] = [];
  for (const file of files) inputs.push(await loadInput(file));
  return inputs;
}

function listed(layers: readonly string[]): string {
  return `${layers.slice(0, 5).join(', ')}${layers.length > 5 ? `, ... (${layers.length} layers)` : ''}`;
}

async function filesOf(path: string): Promise<string[]> {
  try {
    if (!(await stat(path)).isDirectory()) return [path];
    const names = (await readdir(path)).filter((name) => KINDS.includes(extname(name).toLowerCase())).sort();
    const files = names.map((name) => join(path, name));
    for (const file of files) await requireReadable(file);
    if (files.length > 0) return files;
  } catch (error) {
    if (error instanceof CipherconvError) throw error;
    throw unreadable(path, error);
  }
  throw new CipherconvError({
    code: 'unreadable',
    where: path,
    message: 'no sample inputs in this folder',
    expected: `at least one file of ${KINDS.join(', ')}`,
    found: 'none',
  });
}

/**
 * Runs the inputs that fit a convolution, in the clear; null when none does.
 * @throws CipherconvError `out-of-range` for a value that the declared input cannot have.
 */
export function samplesFor(inputs: readonly InputSource[], layer: SourceLayer): Samples | null {
  const images: Float64Array[] = [];
  const sums: Float64Array[] = [];
  for (const input of inputs) {
    for (const sample of samplesOf(input, layer)) {
      images.push(sample.data);
      sums.push(convolve(sample.spec, { shape: [1, ...sample.shape], data: sample.data }).data);
    }
  }
  if (images.length === 0) return null;
  const { weights, input, accumulator } = layer.spec;
  return {
    histograms: accumulator === null ? null : inputHistograms(images, input.channels, input.range),
    calibration: summarizeAccumulators(sums, weights.outChannels),
  };
}

interface Sample {
  readonly spec: ConvSpec;
  readonly shape: readonly [channels: number, height: number, width: number];
  /** Flat CHW. */
  readonly data: Float64Array;
}

function samplesOf(input: InputSource, layer: SourceLayer): Sample[] {
  return input.kind === 'picture' ? pictureSample(input.picture, layer.spec) : tensorSamples(input, layer);
}

function pictureSample(picture: Picture, spec: ConvSpec): Sample[] {
  const { width, height } = picture;
  const { channels } = spec.input;
  const isGrey = picture.channels === 1 || picture.greyPalette;
  if (!(channels === 3 && picture.channels === 3) && !(channels === 1 && isGrey)) return [];
  const sized = sizedSpec(spec, height, width);
  if (sized === null) return [];
  const { data } = pictureTensor(picture, sized, () => undefined);
  return [{ spec: sized, shape: [channels, height, width], data }];
}

function tensorSamples(
  input: Extract<InputSource, { kind: 'tensor' }>,
  { spec, layout }: SourceLayer,
): Sample[] {
  if (input.shape.length !== 4) return [];
  const [batch, channels, height, width] = canonicalShape(shape4(input.shape), layout);
  const sized = channels === spec.input.channels ? sizedSpec(spec, height, width) : null;
  if (sized === null) return [];
  requireRange(input, spec);
  const data = toCanonical(input.data, shape4(input.shape), layout);
  const size = channels * height * width;
  return Array.from({ length: batch }, (_, image) => ({
    spec: sized,
    shape: [channels, height, width],
    data: data.slice(image * size, (image + 1) * size),
  }));
}

function shape4(shape: readonly number[]): [number, number, number, number] {
  return [shape[0]!, shape[1]!, shape[2]!, shape[3]!];
}

function requireRange(input: Extract<InputSource, { kind: 'tensor' }>, { input: declared }: ConvSpec): void {
  const { range } = declared;
  const wrong = input.data.findIndex((value) => value < range.lo || value > range.hi);
  if (wrong < 0) return;
  throw input.elementError(wrong, {
    message: 'input outside its declared range',
    expected: `an integer from ${range.lo} to ${range.hi}`,
    found: String(input.data[wrong]),
  });
}

/** The convolution for one image of another size; null when the kernel does not fit into it. */
function sizedSpec(spec: ConvSpec, height: number, width: number): ConvSpec | null {
  try {
    return makeSpec({ ...spec, input: { ...spec.input, batch: 1, height, width } });
  } catch (error) {
    if (error instanceof CipherconvError && error.code === 'shape-mismatch') return null;
    throw error;
  }
}
