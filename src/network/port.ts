import { CipherconvError } from '../../compiler/base/errors.ts';
import type { Interval } from '../../compiler/base/interval.ts';
import type { Tensor } from '../../compiler/base/tensor.ts';
import type { NetworkInput, NetworkOutput } from '../../compiler/network/spec.ts';
import type { ElementType } from '../frontend/onnx/proto/codes.ts';
import { fromFraction, rational, times, toFloat32 } from './rational.ts';

/** The two ends of a network as its model has them; runs in browsers. */

/** How the model's input becomes the integers that are encrypted. */
export interface NetworkPort {
  /** Name of the graph input. */
  readonly name: string;
  /** Its element type. */
  readonly type: ElementType;
  /** With the batch, which is 1. */
  readonly shape: readonly number[];
  /** round(x / scale) + zeroPoint, half to even, cut to the range; null where the integers are given. */
  readonly quantize: {
    /** Real value of one level. */
    readonly scale: number;
    /** The level of 0. */
    readonly zeroPoint: number;
  } | null;
}

/** An input as commands and the page know inputs of models. */
export interface PicturePort {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly number[];
  /** What the largest sample of a picture becomes; by default 1, as for every model of floats. */
  readonly largest?: number;
}

/** The input of a network as such. */
export function modelPort({ name, type, shape, quantize }: NetworkPort, { hi }: Interval): PicturePort {
  const port = { name, type, shape };
  // A model says nowhere whether it takes 0 to 1 or 0 to 255; the levels do: the largest one stands for one or the other.
  return quantize !== null && (hi - quantize.zeroPoint) * quantize.scale > BYTE_LIKE
    ? { ...port, largest: 255 }
    : port;
}

/** An input that reaches beyond takes bytes. */
const BYTE_LIKE = 16;

/** The level of a float, as ONNX's QuantizeLinear rounds: float32 division, nearest, half to even, cut to the range. */
export function levelOf(
  value: number,
  { scale, zeroPoint }: NonNullable<NetworkPort['quantize']>,
  { lo, hi }: Interval,
): number {
  const exact = Math.fround(Math.fround(value) / scale);
  const down = Math.floor(exact);
  const rest = exact - down;
  const isUp = rest > 0.5 || (rest === 0.5 && Math.abs(down % 2) === 1);
  return Math.min(hi, Math.max(lo, (isUp ? down + 1 : down) + zeroPoint));
}

/** The integers that are encrypted, from numbers as the model's input takes them. */
export function levelsOf(
  { quantize }: NetworkPort,
  { range }: NetworkInput,
  numbers: Float64Array,
): Float64Array {
  return quantize === null ? numbers : numbers.map((value) => levelOf(value, quantize, range));
}

/**
 * The integers of an input tensor as the model declares it, with or without the batch.
 * @throws CipherconvError `shape-mismatch`; `out-of-range` for what is no number
 */
export function inputLevels(port: NetworkPort, input: NetworkInput, { shape, data }: Tensor): Tensor {
  const count = port.shape.reduce((product, extent) => product * extent, 1);
  const isWhole = [port.shape, input.shape].some((expected) => expected.join() === shape.join());
  if (!isWhole || data.length !== count)
    throw new CipherconvError({
      code: 'shape-mismatch',
      where: port.name,
      message: 'the tensor does not have the shape of the network',
      expected: `[${port.shape.join(', ')}]`,
      found: `[${shape.join(', ')}], ${data.length} values`,
    });
  const wrong = data.findIndex((value) => Number.isNaN(value));
  if (wrong >= 0)
    throw new CipherconvError({
      code: 'out-of-range',
      where: `${port.name}[${wrong}]`,
      message: 'not a number',
      expected: 'numbers',
      found: 'NaN',
    });
  return { shape: input.shape, data: levelsOf(port, input, data) };
}

/** The model's output, float32 [1, ...]: every logit times the scale, exactly, and then rounded once. */
export function scoresOf({ shape, scale }: NetworkOutput, logits: readonly bigint[]): Tensor {
  const factor = fromFraction(scale);
  return {
    shape: [1, ...shape],
    data: Float64Array.from(logits, (logit) => toFloat32(times(rational(logit, 1n), factor))),
  };
}
