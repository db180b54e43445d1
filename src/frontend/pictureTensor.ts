import { CipherconvError } from '../../compiler/base/errors.ts';
import type { ConvShape } from '../../compiler/convolution/shape.ts';
import type { Tensor } from '../../compiler/base/tensor.ts';

/** A decoded picture: opaque, samples as stored, interleaved (row, column, channel). */
export interface Picture {
  /** Name of the file, for messages. */
  readonly file: string;
  /** Columns, in pixels. */
  readonly width: number;
  /** Rows, in pixels. */
  readonly height: number;
  /** Bits of one sample: 1, 2, 4, 8 or 16. */
  readonly depth: number;
  /** 1 for grey, 3 for red, green and blue. */
  readonly channels: 1 | 3;
  /** Whether all three channels are equal everywhere, so that it may stand for a grey picture (palettes only). */
  readonly greyPalette: boolean;
  /** Samples [height, width, channels], in [0, 2^depth). */
  readonly samples: Uint8Array | Uint16Array;
}

/**
 * The picture as the input of a convolution, NCHW: low bits dropped down to `input.bits`, and 2^(bits-1) taken off for
 * signed inputs. `notice` is told how values changed.
 * @throws CipherconvError `shape-mismatch` when height, width, channels or batch differ, `out-of-range` past `input.range`.
 */
export function pictureTensor(picture: Picture, spec: ConvShape, notice: (sentence: string) => void): Tensor {
  requireFit(picture, spec);
  const { bits, signed, channels, height, width, range } = spec.input;
  const dropped = Math.max(0, picture.depth - bits);
  const offset = signed ? 2 ** (bits - 1) : 0;
  notice(quantizationNotice(picture, bits, dropped, offset));
  const pixels = height * width;
  const data = new Float64Array(channels * pixels);
  for (let c = 0; c < channels; c++) {
    for (let pixel = 0; pixel < pixels; pixel++) {
      const value = (picture.samples[pixel * picture.channels + c]! >> dropped) - offset;
      if (value < range.lo || value > range.hi) {
        throw new CipherconvError({
          code: 'out-of-range',
          where: `${picture.file}: row ${Math.floor(pixel / width)}, column ${pixel % width}`,
          message: 'pixel outside the input range',
          expected: `an integer from ${range.lo} to ${range.hi}`,
          found: String(value),
        });
      }
      data[c * pixels + pixel] = value;
    }
  }
  return { shape: [1, channels, height, width], data };
}

function quantizationNotice(picture: Picture, bits: number, dropped: number, offset: number): string {
  const how =
    dropped > 0
      ? `quantized from ${picture.depth} to ${bits} bits by dropping the ${dropped} low bit${dropped === 1 ? '' : 's'}`
      : `${picture.depth}-bit values taken as they are`;
  return `${picture.file}: ${how}${offset === 0 ? '' : `, minus ${offset} for signed inputs`}`;
}

function requireFit(picture: Picture, spec: ConvShape): void {
  const { batch, channels, height, width } = spec.input;
  const mismatch = (message: string, expected: string, found: string, hint?: string): never => {
    const more = hint === undefined ? {} : { hint };
    throw new CipherconvError({
      code: 'shape-mismatch',
      where: picture.file,
      message,
      expected,
      found,
      ...more,
    });
  };
  if (batch !== 1) mismatch('a picture is a batch of one', `a tensor of a batch of ${batch}`, 'one picture');
  if (channels !== 1 && channels !== 3) {
    mismatch(
      'a picture has 1 or 3 channels',
      `a tensor of ${channels} channels`,
      'a picture',
      'use .npy or .json',
    );
  }
  const isGrey = picture.channels === 1 || picture.greyPalette;
  if (channels === 1 && !isGrey) {
    const hint = '--grey makes it grey; or give the filter 3 input channels';
    mismatch('a colour picture for a filter of 1 channel', 'a grey picture', 'RGB', hint);
  }
  if (channels === 3 && picture.channels === 1) {
    const hint = 'save it as RGB first, or give the filter 1 input channel';
    mismatch('a grey picture for a filter of 3 channels', 'an RGB picture', 'grey', hint);
  }
  if (picture.height !== height || picture.width !== width) {
    const found = `${picture.width} x ${picture.height}`;
    const hint = '--resize scales its middle to that size';
    mismatch('the picture has another size', `${width} x ${height} (width x height)`, found, hint);
  }
}
