import { CipherconvError } from '../../compiler/base/errors.ts';
import { canonicalShape, fromCanonical, outsideShape } from '../frontend/layouts.ts';
import type { Shape4 } from '../frontend/layouts.ts';
import type { ElementType } from '../frontend/onnx/proto/codes.ts';
import { fitPicture } from '../frontend/pictureFit.ts';
import type { PictureRules } from '../frontend/pictureFit.ts';
import type { Picture } from '../frontend/pictureTensor.ts';
import type { TensorLayout } from '../frontend/schema.ts';
import type { ModelPort } from './modelFlow.ts';
import { isFloating } from './typedTensor.ts';
import type { CrossingElement } from './typedTensor.ts';

/** Pictures as inputs of models: one rule for the command line and the page. */

/** What a tensor file says. */
export interface Numbers {
  readonly file: string;
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
  /** The element type that the file names, null where it leaves it open. */
  readonly type: ElementType | null;
}

/** An input that a picture is for. */
export interface PictureInput {
  readonly port: ModelPort;
  readonly type: CrossingElement;
  readonly layout: TensorLayout;
  readonly rules: PictureRules;
  /** What the largest sample becomes where the model takes floats; default 1. */
  readonly largest?: number;
}

/**
 * A picture as samples in the layout: 0 to 1 (or `largest`) where the model takes floats, 0 to 255 as unsigned bytes, and minus 128 as signed
 * ones.
 * @throws CipherconvError `unsupported` for inputs of other types
 */
export function pictureNumbers(
  given: Picture,
  { port, type, layout, rules, largest: top = 1 }: PictureInput,
  notice: (sentence: string) => void,
): Numbers {
  const wanted = port.shape?.length === 4 ? canonicalShape(fourOf(port.shape), layout) : port.shape;
  const picture = fittingPicture(given, wanted, rules, notice);
  const { file, width, height, channels, depth } = picture;
  const floating = isFloating(type);
  if (!floating && ((type !== 'uint8' && type !== 'int8') || depth !== 8)) {
    throw new CipherconvError({
      code: 'unsupported',
      where: file,
      message: `not supported yet: ${depth}-bit pictures for inputs of ${type}`,
      expected: 'an input of float32, uint8 or int8, and 8-bit pictures for the latter',
    });
  }
  const grey = channels === 3 && picture.greyPalette && wanted?.[1] === 1;
  const planes = grey ? 1 : channels;
  const largest = 2 ** depth - 1;
  const offset = type === 'int8' ? 128 : 0;
  const data = channelsFirst(picture, planes, (sample) =>
    floating ? (top === largest ? sample : (sample / largest) * top) : sample - offset,
  );
  notice(
    `${file}: ${width} x ${height}, samples ${floating && top !== largest ? `divided by ${largest / top}` : 'as they are'}`,
  );
  const shape: Shape4 = [1, planes, height, width];
  return { file, shape: outsideShape(shape, layout), data: fromCanonical(data, shape, layout), type: null };
}

/** Samples plane by plane. */
function channelsFirst(
  { width, height, channels, samples }: Picture,
  planes: number,
  valueOf: (sample: number) => number,
): Float64Array {
  const cells = width * height;
  const data = new Float64Array(planes * cells);
  for (let plane = 0; plane < planes; plane++)
    for (let cell = 0; cell < cells; cell++)
      data[plane * cells + cell] = valueOf(samples[cell * channels + plane]!);
  return data;
}

function fourOf([batch = 1, ...[first = 1, second = 1, third = 1]]: readonly number[]): Shape4 {
  return [batch, first, second, third];
}

/** What the rules make of a picture for an input of known extents. */
function fittingPicture(
  picture: Picture,
  shape: readonly number[] | null,
  rules: PictureRules,
  notice: (sentence: string) => void,
): Picture {
  const [, channels, height, width] = shape ?? [];
  if (channels === undefined || height === undefined || width === undefined) return picture;
  return fitPicture(picture, { channels, height, width }, rules, notice);
}
