import { featuresOf, lengthOf } from './features.ts';
import type { Features } from './features.ts';
import type { Extents, PoolStage } from './stages.ts';

/** Sums over windows: average pools, whose divisor is a factor of everything behind them. */
export interface Pool {
  readonly outputs: Features;
  /** Index, among one picture's features, of each window's entries: `area` for every output. */
  readonly sources: Uint32Array;
  readonly targets: Uint32Array;
  readonly area: number;
}

/** @param inputs how the values lie that are pooled */
export function makePool(pool: PoolStage, input: Extents, inputs: Features): Pool {
  const { kernel, strides, output } = pool;
  const plain = featuresOf(output);
  const outputs =
    plain.groups === 1 && output.channels > 1 ? { groups: output.channels, used: 1, pitch: 4 } : plain;
  const sources: number[] = [];
  const targets: number[] = [];
  for (let channel = 0; channel < output.channels; channel++) {
    for (let cell = 0; cell < output.height * output.width; cell++) {
      targets.push(channel * outputs.pitch + cell);
      const top = Math.floor(cell / output.width) * strides[0];
      const left = (cell % output.width) * strides[1];
      for (let tap = 0; tap < kernel[0] * kernel[1]; tap++) {
        const row = top + Math.floor(tap / kernel[1]);
        const column = left + (tap % kernel[1]);
        sources.push(channel * inputs.pitch + row * input.width + column);
      }
    }
  }
  return {
    outputs,
    sources: Uint32Array.from(sources),
    targets: Uint32Array.from(targets),
    area: kernel[0] * kernel[1],
  };
}

/** The sums of one picture's windows. */
export function poolSums(
  { sources, targets, area }: Pool,
  from: ArrayLike<number>,
  to: Float32Array | Float64Array,
  [first, target]: readonly [from: number, to: number],
): void {
  for (let output = 0; output < targets.length; output++) {
    let sum = 0;
    for (let tap = output * area; tap < (output + 1) * area; tap++) sum += from[first + sources[tap]!]!;
    to[target + targets[output]!] = sum;
  }
}

/** Slopes of the sums to slopes of what was summed, added. */
export function spreadSlopes(
  { sources, targets, area }: Pool,
  from: Float32Array,
  to: Float32Array,
  [first, target]: readonly [from: number, to: number],
): void {
  for (let output = 0; output < targets.length; output++) {
    const slope = from[first + targets[output]!]!;
    for (let tap = output * area; tap < (output + 1) * area; tap++) to[target + sources[tap]!]! += slope;
  }
}

/** Padding of the inputs included. */
export function pooledLength({ outputs }: Pool): number {
  return lengthOf(outputs);
}
