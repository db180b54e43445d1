import type { MatrixExports } from '../../runtime/training/module.ts';
import type { Random } from './random.ts';

/**
 * Pictures on the way into a batch: as they are, or turned, stretched, slanted and shifted a little, each time otherwise, so
 * that the network does not learn single pixels by heart.
 */
export type Augmentation = 'affine' | 'none';

/** At most this much, drawn uniformly. */
const LARGEST_TURN = (6 * Math.PI) / 180;
const LARGEST_STRETCH = 0.06;
const LARGEST_SLANT = 0.06;
/** Of the shorter side: 1.2 pixels of 28. */
const LARGEST_SHIFT = 1.2 / 28;

/** Where the pixel at (row, column) of the result comes from: (y0 + yy row + yx column, x0 + xy row + xx column). */
type Warp = readonly [y0: number, yy: number, yx: number, x0: number, xy: number, xx: number];

const AS_IT_IS: Warp = [0, 1, 0, 0, 0, 1];

function drawWarp(random: Random, height: number, width: number): Warp {
  const around = (most: number): number => random.between(-most, most);
  const turn = around(LARGEST_TURN);
  const [cos, sin] = [Math.cos(turn), Math.sin(turn)];
  const slant = around(LARGEST_SLANT);
  const [tall, wide] = [1 + around(LARGEST_STRETCH), 1 + around(LARGEST_STRETCH)];
  const shift = LARGEST_SHIFT * Math.min(height, width);
  const [yy, yx] = [cos * tall, sin * wide];
  const [xy, xx] = [(slant * cos - sin) * tall, (slant * sin + cos) * wide];
  const [middleY, middleX] = [(height - 1) / 2, (width - 1) / 2];
  return [
    middleY + around(shift) - yy * middleY - yx * middleX,
    yy,
    yx,
    middleX + around(shift) - xy * middleY - xx * middleX,
    xy,
    xx,
  ];
}

/** Where the pictures are and where one of them goes: addresses, and its place in a frame of padding. */
export interface PictureRoute {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  /** Address of the first picture, a byte a pixel. */
  readonly from: number;
  /** Address where the first pixel goes, and floats from one row to the next and from one channel to the next. */
  readonly to: number;
  readonly rowPitch: number;
  readonly channelPitch: number;
  /** Levels per unit of a pixel. */
  readonly scale: number;
}

/** Writes the levels of one picture. */
export function placePicture(
  kernel: MatrixExports,
  route: PictureRoute,
  index: number,
  augmentation: { readonly kind: Augmentation; readonly random: Random },
): void {
  const { channels, height, width, from, to, rowPitch, channelPitch, scale } = route;
  const warp = augmentation.kind === 'none' ? AS_IT_IS : drawWarp(augmentation.random, height, width);
  for (let channel = 0; channel < channels; channel++) {
    const source = from + (index * channels + channel) * height * width;
    kernel.warp(source, to + channel * channelPitch * 4, rowPitch, height, width, ...warp, scale);
  }
}
