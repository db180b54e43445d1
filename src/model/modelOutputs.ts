import { extname } from 'node:path';
import { encode } from 'fast-png';
import { CipherconvError } from '../../compiler/base/errors.ts';
import { STANDARD_STREAM, writeWhole } from '../frontend/files.ts';
import type { Tensor } from '../../compiler/base/tensor.ts';
import { canonicalShape, toCanonical } from '../frontend/layouts.ts';
import type { Shape4 } from '../frontend/layouts.ts';
import { encodeNpy, encodeNpyFloats, encodeNpyOf } from '../frontend/npy.ts';
import type { NpyElement } from '../frontend/npy.ts';
import type { TensorLayout } from '../frontend/schema.ts';
import { encodeTensorFile } from '../frontend/onnx/proto/tensorProto.ts';
import { namedTensorsJsonLine } from '../frontend/tensorJson.ts';
import { encodePicture } from '../frontend/outputs.ts';
import { stackedShape } from './stacks.ts';
import { isFloating, toDoubles, typedTensor } from './typedTensor.ts';
import type { TypedTensor } from './typedTensor.ts';

/** What a model made, by name, and how pictures lie in it. */
interface ModelOutputs {
  readonly outputs: ReadonlyMap<string, TypedTensor>;
  readonly layout: TensorLayout;
}

/**
 * Writes the outputs of a model whole or not at all: .json; for one output also .npy, .pb (an ONNX TensorProto), or .png if it
 * is like a picture.
 * @param notice told in a sentence what a picture shows
 * @throws CipherconvError `unsupported` or `unwritable`.
 */
export async function writeModelOutputs(
  path: string,
  { outputs, layout }: ModelOutputs,
  notice: (sentence: string) => void,
): Promise<void> {
  const kind = path === STANDARD_STREAM ? '.json' : extname(path).toLowerCase();
  if (kind === '.json') {
    await writeWhole(path, namedTensorsJsonLine(doublesOf(outputs)));
    return;
  }
  const [[name, tensor] = ['', undefined], ...others] = outputs;
  if (tensor === undefined || others.length > 0) {
    throw new CipherconvError({
      code: 'unsupported',
      where: path,
      message: `not supported yet: ${kind} files of ${outputs.size} outputs`,
      hint: 'write .json, which holds all of them',
    });
  }
  const values = { shape: tensor.shape, data: toDoubles(tensor, name) };
  if (kind === '.npy') {
    await writeWhole(path, npyOf(tensor, values, layout));
    return;
  }
  if (kind === '.pb') {
    await writeWhole(path, encodeTensorFile({ type: tensor.type, ...values }, name));
    return;
  }
  const { shape, data } = layout === 'NHWC' && values.shape.length === 4 ? channelsFirst(values) : values;
  await writeWhole(path, pictureOf({ ...tensor, shape }, data, path, notice));
}

/** NumPy's bytes: of a TFLite model in the output's own type, of others int32 (int64 where it does not hold them) and float32. */
function npyOf({ type }: TypedTensor, values: Tensor, layout: TensorLayout): Uint8Array {
  if (layout === 'NHWC' && hasNpyElements(type)) return encodeNpyOf(type, values);
  return isFloating(type) ? encodeNpyFloats(values) : encodeNpy(values);
}

function hasNpyElements(type: string): type is NpyElement {
  return ['int8', 'uint8', 'int16', 'int32', 'float32'].includes(type);
}

function channelsFirst({ shape, data }: Tensor): Tensor {
  const [batch = 1, height = 1, width = 1, channels = 1] = shape;
  const outside: Shape4 = [batch, height, width, channels];
  return {
    shape: canonicalShape(outside, 'NHWC'),
    data: toCanonical(data, outside, 'NHWC'),
  };
}

/** The outputs of a stack of inputs as one set, stacked along their first axes. */
export function stackOutputs(
  outputs: readonly ReadonlyMap<string, TypedTensor>[],
): ReadonlyMap<string, TypedTensor> {
  const [first] = outputs;
  if (first === undefined || outputs.length === 1) return first ?? new Map();
  return new Map(
    [...first].map(([name, { type, shape }]) => {
      const values = outputs.flatMap((each) => {
        const tensor = each.get(name);
        return tensor === undefined ? [] : [...toDoubles(tensor, name)];
      });
      return [name, typedTensor(type, stackedShape(shape, outputs.length), values, name)] as const;
    }),
  );
}

/** The outputs as doubles. All are looked at before anything is written. */
function doublesOf(
  outputs: ReadonlyMap<string, TypedTensor>,
): Map<string, { readonly shape: readonly number[]; readonly data: Float64Array }> {
  const entries = [...outputs].map(
    ([name, tensor]) => [name, { shape: tensor.shape, data: toDoubles(tensor, name) }] as const,
  );
  return new Map(entries);
}

/** PNG of [1, 1 or 3, height, width]: floats from 0 to 1 and bytes as they are; anything else scaled to 0..255. */
function pictureOf(
  tensor: TypedTensor,
  data: Float64Array,
  path: string,
  notice: (sentence: string) => void,
): Uint8Array {
  const [batch, channels, height, width, ...more] = tensor.shape;
  if (
    batch === undefined ||
    channels === undefined ||
    height === undefined ||
    width === undefined ||
    more.length > 0
  ) {
    throw new CipherconvError({
      code: 'unsupported',
      where: path,
      message: 'the output is no picture',
      expected: 'a tensor [batch, channels, height, width]',
      found: `[${tensor.shape.join(', ')}]`,
      hint: 'write .npy or .json',
    });
  }
  const largest = isFloating(tensor.type) ? 1 : tensor.type === 'uint8' ? 255 : 0;
  const isPicture = batch === 1 && (channels === 1 || channels === 3) && largest > 0;
  if (!isPicture || data.some((value) => !(value >= 0 && value <= largest))) {
    return encodePicture({ shape: tensor.shape, data }, (sentence) => {
      notice(`${path}: ${sentence}`);
    });
  }
  const cells = height * width;
  const samples = new Uint8Array(data.length);
  for (let plane = 0; plane < channels; plane++) {
    for (let cell = 0; cell < cells; cell++) {
      samples[cell * channels + plane] = Math.round((data[plane * cells + cell]! * 255) / largest);
    }
  }
  notice(`${path}: ${width} x ${height}, ${channels === 1 ? 'grey' : 'RGB'}, [0, ${largest}] as 0..255`);
  return encode({ width, height, channels, depth: 8, data: samples });
}
