import { CipherconvError } from '../../compiler/base/errors.ts';

import type { KernelName } from './kernelNames.ts';

/** Well-known filters in exact integers. */

/** Row by row, `size` x `size`, one list for each output channel. */
export type KernelChannels = readonly (readonly number[])[];

/** Sizes that each filter has. */
const SIZES: Readonly<Record<KernelName, readonly number[]>> = {
  gaussian: [3, 5, 7, 9],
  box: [3, 5, 7, 9],
  sobel: [3, 5, 7],
  laplacian: [3, 5],
  sharpen: [3, 5],
};

/**
 * A filter by its name: `gaussian` binomial, `box` ones, `sobel` the differences across and down, `laplacian` the sum of
 * second differences, `sharpen` the pixel minus that.
 * @throws CipherconvError `usage` for sizes that the filter does not have
 */
export function kernelOf(name: KernelName, size: number): KernelChannels {
  if (!SIZES[name].includes(size)) {
    throw new CipherconvError({
      code: 'usage',
      where: '--size',
      message: `${name} has no such size`,
      expected: SIZES[name].join(', '),
      found: String(size),
    });
  }
  switch (name) {
    case 'gaussian':
      return [outer(binomial(size), binomial(size))];
    case 'box':
      return [Array.from({ length: size * size }, () => 1)];
    case 'sobel':
      return [outer(binomial(size), difference(size)), outer(difference(size), binomial(size))];
    case 'laplacian':
      return [laplacian(size)];
    case 'sharpen':
      return [laplacian(size).map((weight, index) => (index === (size * size - 1) / 2 ? 1 : 0) - weight + 0)];
  }
}

function outer(down: readonly number[], across: readonly number[]): number[] {
  return down.flatMap((y) => across.map((x) => y * x + 0));
}

/** A row of Pascal's triangle. */
function binomial(size: number): number[] {
  let row = [1];
  while (row.length < size) row = [...row, 0].map((value, index) => value + (row[index - 1] ?? 0));
  return row;
}

/** (-1, 0, 1), smoothed. */
function difference(size: number): number[] {
  const smooth = binomial(size - 2);
  return Array.from({ length: size }, (_, index) => (smooth[index - 2] ?? 0) - (smooth[index] ?? 0) + 0);
}

/** The four neighbours minus four times the pixel; with 5 x 5 that of Gauss's bell. */
function laplacian(size: number): number[] {
  return size === 3
    ? [0, 1, 0, 1, -4, 1, 0, 1, 0]
    : [0, 0, 1, 0, 0, 0, 1, 2, 1, 0, 1, 2, -16, 2, 1, 0, 1, 2, 1, 0, 0, 0, 1, 0, 0];
}
