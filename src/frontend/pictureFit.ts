import type { Picture } from './pictureTensor.ts';

/**
 * A picture made to fit a convolution: the one rule for the command line and the page. Pure integer arithmetic, so that
 * every machine and browser gives the same samples.
 */

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** What may be done to a picture that does not fit; the page does both, the command line when it is told to. */
export interface PictureRules {
  /** Colour becomes grey for a convolution of one channel. */
  readonly grey: boolean;
  /** The middle of the picture is scaled to the size of the convolution. */
  readonly resize: boolean;
}

export const AS_IT_IS: PictureRules = { grey: false, resize: false };

/**
 * The picture with what the rules allow and the size and channels ask for; whatever else does not fit is left for
 * `pictureTensor` to refuse.
 * @param notice told in a sentence what was changed
 */
export function fitPicture(
  picture: Picture,
  wanted: Size & { readonly channels: number },
  rules: PictureRules,
  notice: (sentence: string) => void,
): Picture {
  let fitted = picture;
  if (rules.grey && wanted.channels === 1 && picture.channels === 3 && !picture.greyPalette) {
    fitted = greyPicture(fitted);
    notice(`${picture.file}: colour made grey (0.299 red + 0.587 green + 0.114 blue)`);
  }
  const isOtherSize = picture.width !== wanted.width || picture.height !== wanted.height;
  if (rules.resize && isOtherSize) {
    fitted = resizePicture(fitted, wanted);
    notice(
      `${picture.file}: its middle scaled from ${picture.width} x ${picture.height} to ${wanted.width} x ${wanted.height}`,
    );
  }
  return fitted;
}

/** Grey by the weights of ITU-R BT.601, in thousandths, rounded half up; where the three are equal, exactly that value. */
export function greyOf(red: number, green: number, blue: number): number {
  return Math.floor((299 * red + 587 * green + 114 * blue + 500) / 1000);
}

export function greyPicture(picture: Picture): Picture {
  const { samples, channels, depth } = picture;
  if (channels === 1) return picture;
  const grey = depth > 8 ? new Uint16Array(samples.length / 3) : new Uint8Array(samples.length / 3);
  for (let pixel = 0; pixel < grey.length; pixel++)
    grey[pixel] = greyOf(samples[3 * pixel]!, samples[3 * pixel + 1]!, samples[3 * pixel + 2]!);
  return { ...picture, channels: 1, greyPalette: false, samples: grey };
}

/** Source samples that an output sample covers along one axis: the first of them, and the share of each. */
interface Span {
  readonly first: number;
  readonly shares: readonly number[];
}

/**
 * The middle of the picture, cut to the proportions of `size`; each sample is the mean of the area that it covers, rounded
 * half up. A picture of that size keeps its samples.
 */
export function resizePicture(picture: Picture, size: Size): Picture {
  const { width, channels, depth, samples } = picture;
  const { columns, rows, area } = middleSpans(picture, size);
  const count = size.width * size.height * channels;
  const scaled = depth > 8 ? new Uint16Array(count) : new Uint8Array(count);
  const sums = new Float64Array(size.width * channels);
  rows.forEach(({ first, shares }, row) => {
    sums.fill(0);
    shares.forEach((share, index) => {
      addRow(samples, (first + index) * width * channels, channels, columns, share, sums);
    });
    const at = row * sums.length;
    for (let x = 0; x < sums.length; x++) scaled[at + x] = Math.floor((2 * sums[x]! + area) / (2 * area));
  });
  return { ...picture, width: size.width, height: size.height, samples: scaled };
}

/** Adds `share` times the columns of one source row to `sums`. */
function addRow(
  samples: Picture['samples'],
  start: number,
  channels: number,
  columns: readonly Span[],
  share: number,
  sums: Float64Array,
): void {
  columns.forEach(({ first, shares }, column) => {
    for (let channel = 0; channel < channels; channel++) {
      let sum = 0;
      for (let index = 0; index < shares.length; index++)
        sum += shares[index]! * samples[start + (first + index) * channels + channel]!;
      sums[column * channels + channel]! += share * sum;
    }
  });
}

/**
 * Spans of both axes in one integer unit. With s source pixels to d output pixels on the axis that is not cut, an output
 * pixel is s/d source pixels wide; lengths are counted in 1/(2d) of a source pixel, so that the cut's half is whole too.
 */
function middleSpans(
  source: Size,
  target: Size,
): { columns: readonly Span[]; rows: readonly Span[]; area: number } {
  const isCutAbove = source.width * target.height <= source.height * target.width;
  const [s, d] = isCutAbove ? [source.width, target.width] : [source.height, target.height];
  const spans = (from: number, to: number): Span[] =>
    Array.from({ length: to }, (_, index) => spanOf(from * d - to * s + 2 * s * index, 2 * s, 2 * d));
  return {
    columns: spans(source.width, target.width),
    rows: spans(source.height, target.height),
    area: (2 * s) ** 2,
  };
}

/** What [start, start + length) covers of pixels that are `pixel` long. */
function spanOf(start: number, length: number, pixel: number): Span {
  const first = Math.floor(start / pixel);
  const shares: number[] = [];
  for (let at = first; at * pixel < start + length; at++)
    shares.push(Math.min((at + 1) * pixel, start + length) - Math.max(at * pixel, start));
  return { first, shares };
}
