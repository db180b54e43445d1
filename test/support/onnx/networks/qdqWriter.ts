/**
 * Networks as onnxruntime's quantize_static writes them (QDQ): int8 activations of any zero point, int8 weights with one
 * scale per output channel, int32 biases, QuantizeLinear and DequantizeLinear around every operator. Weights are random;
 * scales follow from what sums of random products typically are, so that layers neither saturate nor die out.
 */
import { ModelWriter } from '../../../../bench/models/modelWriter.ts';
import type { Activation, GraphTensor } from '../../../../bench/models/modelWriter.ts';
import { randomIntegers } from '../../specs.ts';
import type { Random } from '../randomWeights.ts';

/** A quantized tensor, and how large its real values typically are (root of the mean square). */
export interface Signal extends Activation {
  readonly typical: number;
}

/** What a convolution's floats go through before they are quantized. */
export type Ending = 'none' | 'relu' | 'relu6';

export interface ConvolutionParts {
  readonly outputs: number;
  readonly kernel: number;
  readonly stride?: number;
  /** As many groups as channels. */
  readonly depthwise?: boolean;
  readonly ending?: Ending;
}

/** Root of the mean square of int8 weights, all values alike likely. */
const TYPICAL_WEIGHT = 74;
/** What the sums of a layer are scaled to. */
const TYPICAL_SUM = 2;

export class QdqWriter {
  readonly model = new ModelWriter();
  readonly random: Random;
  /** Convolutions and dense layers so far. */
  linearCount = 0;

  constructor(seed: number) {
    this.random = randomIntegers(seed);
  }

  /** The graph's float input, quantized. */
  picture(shape: readonly number[]): Signal {
    return this.quantized('x', shape, 1);
  }

  /** Quantizes floats to int8, three times the typical value on both sides of an odd zero point. */
  quantized(floats: string, shape: readonly number[], typical: number): Signal {
    const zeroPoint = this.random(-7, 7);
    return this.#quantize(floats, shape, typical, { scale: (6 * typical) / 255, zeroPoint });
  }

  /** Quantizes floats that are never negative: all values of int8 are used for [0, largest]. */
  #positive(floats: string, shape: readonly number[], typical: number, largest: number): Signal {
    return this.#quantize(floats, shape, typical, { scale: largest / 255, zeroPoint: -128 });
  }

  #quantize(
    floats: string,
    shape: readonly number[],
    typical: number,
    { scale, zeroPoint }: { readonly scale: number; readonly zeroPoint: number },
  ): Signal {
    const to = { type: 'int8', shape, scale: Math.fround(scale), zeroPoint } as const;
    return { ...this.model.quantize(floats, to), typical };
  }

  /** One operator between DequantizeLinear and QuantizeLinear. */
  through(
    op: string,
    inputs: readonly Signal[],
    to: { readonly shape: readonly number[]; readonly typical: number },
    attributes: Parameters<ModelWriter['node']>[2] = {},
  ): Signal {
    const floats = inputs.map((input) => this.model.dequantize(input));
    return this.quantized(this.model.node(op, floats, attributes), to.shape, to.typical);
  }

  convolution(
    input: Signal,
    { outputs, kernel, stride = 1, depthwise = false, ending = 'none' }: ConvolutionParts,
  ): Signal {
    const [batch = 1, channels = 1, height = 1, width = 1] = input.shape;
    const group = depthwise ? channels : 1;
    const pad = Math.floor(kernel / 2);
    const attributes = {
      kernel_shape: { ints: [kernel, kernel] },
      strides: { ints: [stride, stride] },
      pads: { ints: [pad, pad, pad, pad] },
      group: { int: group },
    };
    const [rows, columns] = [height, width].map((size) => Math.floor((size + 2 * pad - kernel) / stride) + 1);
    const operands = this.#operands(input, [outputs, channels / group, kernel, kernel]);
    const sums = this.model.node('Conv', operands, attributes);
    return this.#ended(sums, [batch, outputs, rows ?? 1, columns ?? 1], ending);
  }

  dense(input: Signal, outputs: number): Signal {
    const [batch = 1, features = 1] = input.shape;
    const operands = this.#operands(input, [outputs, features]);
    const sums = this.model.node('Gemm', operands, { transB: { int: 1 } });
    return this.#ended(sums, [batch, outputs], 'none');
  }

  #ended(sums: string, shape: readonly number[], ending: Ending): Signal {
    switch (ending) {
      case 'none':
        return this.quantized(sums, shape, TYPICAL_SUM);
      case 'relu':
        return this.#positive(this.model.node('Relu', [sums]), shape, TYPICAL_SUM * 0.7, 3 * TYPICAL_SUM);
      case 'relu6': {
        const bounds = [0, 6].map((bound) => this.model.constant('float32', [], [bound]));
        return this.#positive(this.model.node('Clip', [sums, ...bounds]), shape, TYPICAL_SUM * 0.7, 6);
      }
    }
  }

  /** Names of input, weights and bias, as floats. */
  #operands(input: Signal, shape: readonly number[]): string[] {
    const { model, random } = this;
    this.linearCount++;
    const [outputs = 1, ...rest] = shape;
    const taps = rest.reduce((product, extent) => product * extent, 1);
    const scale = TYPICAL_SUM / (TYPICAL_WEIGHT * Math.sqrt(taps) * input.typical);
    const scales = Array.from({ length: outputs }, () => Math.fround((scale * random(80, 125)) / 100));
    const weights = Array.from({ length: outputs * taps }, () => random(-128, 127));
    const steps = scales.map((one) => Math.fround(one * input.scale));
    const bias = steps.map((step) => Math.round((TYPICAL_SUM * random(-50, 50)) / 100 / step));
    const perOutput = (values: string, list: readonly number[], type: 'int8' | 'int32'): string =>
      model.node(
        'DequantizeLinear',
        [
          values,
          model.constant('float32', [outputs], list),
          model.constant(type, [outputs], new Int32Array(outputs)),
        ],
        { axis: { int: 0 } },
      );
    return [
      model.dequantize(input),
      perOutput(model.constant('int8', shape, weights), scales, 'int8'),
      perOutput(model.constant('int32', [outputs], bias), steps, 'int32'),
    ];
  }

  add(left: Signal, right: Signal): Signal {
    const typical = Math.hypot(left.typical, right.typical);
    return this.through('Add', [left, right], { shape: left.shape, typical });
  }

  /** x * sigmoid(x), with the sigmoid quantized on its own. */
  silu(input: Signal): Signal {
    const { shape, typical } = input;
    return this.through('Mul', [input, this.sigmoid(input)], { shape, typical: typical * 0.6 });
  }

  sigmoid(input: Signal): Signal {
    const floats = this.model.node('Sigmoid', [this.model.dequantize(input)]);
    return this.#positive(floats, input.shape, 0.6, 1);
  }

  /** Along the channels. */
  concat(parts: readonly [Signal, ...Signal[]]): Signal {
    const [first] = parts;
    const channels = parts.reduce((sum, { shape }) => sum + (shape[1] ?? 0), 0);
    const typical = Math.hypot(...parts.map((part) => part.typical)) / Math.sqrt(parts.length);
    const shape = first.shape.map((extent, axis) => (axis === 1 ? channels : extent));
    return this.through('Concat', parts, { shape, typical }, { axis: { int: 1 } });
  }

  /** Twice as high and wide; nearest neighbours, as PyTorch's Upsample exports it. */
  upsample(input: Signal): Signal {
    const [batch = 1, channels = 1, height = 1, width = 1] = input.shape;
    const floats = this.model.node(
      'Resize',
      [this.model.dequantize(input), '', this.model.constant('float32', [4], [1, 1, 2, 2])],
      {
        mode: { text: 'nearest' },
        nearest_mode: { text: 'floor' },
        coordinate_transformation_mode: { text: 'asymmetric' },
      },
    );
    return this.quantized(floats, [batch, channels, 2 * height, 2 * width], input.typical);
  }

  /** A window of `kernel` that keeps the extents, on the integers. */
  maxPool(input: Signal, kernel: number): Signal {
    const pad = Math.floor(kernel / 2);
    const attributes = {
      kernel_shape: { ints: [kernel, kernel] },
      strides: { ints: [1, 1] },
      pads: { ints: [pad, pad, pad, pad] },
    };
    return { ...input, name: this.model.node('MaxPool', [input.name], attributes) };
  }

  /** Global average and Flatten: [batch, channels]. */
  average(input: Signal): Signal {
    const [batch = 1, channels = 1] = input.shape;
    const shape = [batch, channels, 1, 1];
    const pooled = this.through('GlobalAveragePool', [input], { shape, typical: input.typical / 2 });
    return { ...pooled, shape: [batch, channels], name: this.model.node('Flatten', [pooled.name]) };
  }

  /** The model: float input x, and the floats of `outputs`. */
  encode(name: string, input: readonly number[], outputs: readonly Signal[]): Uint8Array {
    const ends = outputs.map((output): GraphTensor => {
      const floats = this.model.dequantize(output);
      return { name: floats, type: 'float32', shape: output.shape };
    });
    return this.model.encode(name, 17, [{ name: 'x', type: 'float32', shape: input }], ends);
  }
}

/** A network, what goes in and how many linear layers it has. */
export interface ShapedNetwork {
  readonly bytes: Uint8Array;
  /** Of the float32 input x. */
  readonly input: readonly number[];
  readonly linearCount: number;
}
