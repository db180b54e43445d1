import type { Size } from '../frontend/pictureFit.ts';

/** What is kept of a picture whose proportions are others than those that are wanted. */

/** In pixels of the picture; parts of pixels too. */
export interface KeptPart extends Size {
  readonly left: number;
  readonly top: number;
}

/** The middle with the wanted proportions, as pictureFit.ts takes it. */
export function keptPart(source: Size, wanted: Size): KeptPart {
  const width = Math.min(source.width, (source.height * wanted.width) / wanted.height);
  const height = Math.min(source.height, (source.width * wanted.height) / wanted.width);
  return { left: (source.width - width) / 2, top: (source.height - height) / 2, width, height };
}

/** One sentence where something is cut off, else nothing. */
export function cutText(source: Size, wanted: Size): string {
  const { left, top, width, height } = keptPart(source, wanted);
  const isWhole = width === source.width && height === source.height;
  if (isWhole) return '';
  const share = 100 * (1 - (width * height) / (source.width * source.height));
  const sides = left > 0 ? 'left and right' : 'top and bottom';
  const pixels = Math.round(10 * (left > 0 ? left : top)) / 10;
  return `Cropped: ${pixels} pixels are cut off at ${sides} each, ${share < 1 ? 'less than 1' : Math.round(share)} % of the picture.`;
}
