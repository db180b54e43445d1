import type { Stage } from './stages.ts';

/** A trained layer: exact integers. */
export interface IntegerLayer {
  readonly stage: Stage;
  /** OIHW of a convolution, [outputs, inputs] of a dense layer, inputs in the order [channel, row, column]. */
  readonly weights: Int8Array;
  /** One per output channel; safe integers. */
  readonly bias: readonly number[];
}

/** A trained network: levels in, scores out, pools as sums. */
export interface IntegerNetwork {
  readonly name: string;
  readonly input: {
    readonly shape: readonly [channels: number, height: number, width: number];
    readonly levels: number;
    readonly largest: number;
  };
  readonly layers: readonly IntegerLayer[];
}

/**
 * The level of a pixel, as ONNX's QuantizeLinear rounds it: nearest, half to even, in float32.
 */
export function levelOf(pixel: number, { levels, largest }: IntegerNetwork['input']): number {
  const exact = Math.fround(pixel / Math.fround(largest / (levels - 1)));
  const down = Math.floor(exact);
  const rest = exact - down;
  const isUp = rest > 0.5 || (rest === 0.5 && down % 2 === 1);
  return Math.min(isUp ? down + 1 : down, levels - 1);
}
