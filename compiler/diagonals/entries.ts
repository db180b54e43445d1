import { centredWeights } from '../convolution/spec.ts';
import type { ConvSpec } from '../convolution/spec.ts';
import type { OutputShape } from '../convolution/shape.ts';

/** What the least cost of a diagonals plan follows from, without any layout. */

/** Entries of the filter matrix that are not 0, each in a slot of its own; 0 where windows may reach into the padding. */
export function matrixEntries({ weights, pads }: ConvSpec, output: OutputShape): number {
  if (pads.some((pad) => pad > 0)) return 0;
  const taps = centredWeights(weights).reduce((count, weight) => (weight === 0 ? count : count + 1), 0);
  return taps * output.batch * output.height * output.width;
}

/** Whether some output channel has more than one weight that is not 0 and meets an input, so that slots are rotated. */
export function hasSeveralTaps(spec: ConvSpec, output: OutputShape): boolean {
  const { input, weights, pads, strides, dilations } = spec;
  const { kernelHeight, kernelWidth, outChannels } = weights;
  const rows = meetsInput(kernelHeight, (tap, cell) => cell * strides[0] + tap * dilations[0] - pads[0], [
    output.height,
    input.height,
  ]);
  const columns = meetsInput(kernelWidth, (tap, cell) => cell * strides[1] + tap * dilations[1] - pads[1], [
    output.width,
    input.width,
  ]);
  const centred = centredWeights(weights);
  const perOutput = centred.length / outChannels;
  const counts = new Int32Array(outChannels);
  return centred.some((weight, index) => {
    const isMet = rows[Math.floor(index / kernelWidth) % kernelHeight]! && columns[index % kernelWidth]!;
    return weight !== 0 && isMet && ++counts[Math.floor(index / perOutput)]! > 1;
  });
}

/** Which taps of an axis read an input, and not padding alone, in some output cell. */
function meetsInput(
  taps: number,
  position: (tap: number, cell: number) => number,
  [cells, size]: readonly [number, number],
): boolean[] {
  return Array.from({ length: taps }, (_, tap) => {
    for (let cell = 0; cell < cells; cell++) {
      const at = position(tap, cell);
      if (at >= size) return false;
      if (at >= 0) return true;
    }
    return false;
  });
}
