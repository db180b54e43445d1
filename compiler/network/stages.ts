import { internalError } from '../base/errors.ts';
import type { LinearStage } from './spec.ts';

/** Collects the rows of a linear map, one after the other. */
class StageBuilder {
  readonly #starts: number[] = [0];
  readonly #columns: number[] = [];
  readonly #weights: number[] = [];
  readonly #bias: number[] = [];

  /** One entry of the row that is open. */
  entry(column: number, weight: number): void {
    this.#columns.push(column);
    this.#weights.push(weight);
  }

  /** Ends the row. */
  endRow(bias: number): void {
    this.#bias.push(bias);
    this.#starts.push(this.#columns.length);
  }

  stage(name: string, inputs: number): LinearStage {
    return {
      name,
      inputs,
      outputs: this.#bias.length,
      starts: this.#starts,
      columns: this.#columns,
      weights: this.#weights,
      bias: this.#bias,
    };
  }
}

/** A plane convolution of one group; taps on padding are no entries. */
export interface ConvolutionGeometry {
  /** Channels, height and width of the input. */
  readonly shape: readonly [number, number, number];
  /** Filters. */
  readonly outputs: number;
  /** Height and width of a filter. */
  readonly kernel: readonly [number, number];
  /** Down and across. */
  readonly strides: readonly [number, number];
  /** Top, left, bottom, right. */
  readonly pads: readonly [number, number, number, number];
}

/**
 * A convolution as a linear map, outputs in C order.
 * @param weights OIHW, flat
 * @param bias one per filter
 */
export function convolutionStage(
  name: string,
  geometry: ConvolutionGeometry,
  weights: ArrayLike<number>,
  bias: ArrayLike<number>,
): LinearStage {
  const {
    shape: [channels, height, width],
    kernel: [tall, wide],
    strides: [down, across],
    pads: [top, left, bottom, right],
  } = geometry;
  const taps = channels * tall * wide;
  if (weights.length !== geometry.outputs * taps || bias.length !== geometry.outputs)
    throw internalError('the weights do not fit the convolution');
  const outHeight = Math.floor((height + top + bottom - tall) / down) + 1;
  const outWidth = Math.floor((width + left + right - wide) / across) + 1;
  const builder = new StageBuilder();
  for (let index = 0; index < geometry.outputs * outHeight * outWidth; index++) {
    const output = Math.floor(index / (outHeight * outWidth));
    const firstRow = (Math.floor(index / outWidth) % outHeight) * down - top;
    const firstColumn = (index % outWidth) * across - left;
    for (let tap = 0; tap < taps; tap++) {
      const channel = Math.floor(tap / (tall * wide));
      const row = firstRow + (Math.floor(tap / wide) % tall);
      const column = firstColumn + (tap % wide);
      if (row < 0 || row >= height || column < 0 || column >= width) continue;
      builder.entry((channel * height + row) * width + column, weights[output * taps + tap]!);
    }
    builder.endRow(bias[output]!);
  }
  return builder.stage(name, channels * height * width);
}

/** A dense layer; `weights` has one row for each output, flat. */
export function denseStage(
  name: string,
  inputs: number,
  weights: ArrayLike<number>,
  bias: ArrayLike<number>,
): LinearStage {
  if (weights.length !== inputs * bias.length) throw internalError('the weights do not fit the dense layer');
  const builder = new StageBuilder();
  for (let output = 0; output < bias.length; output++) {
    for (let column = 0; column < inputs; column++) builder.entry(column, weights[output * inputs + column]!);
    builder.endRow(bias[output]!);
  }
  return builder.stage(name, inputs);
}
