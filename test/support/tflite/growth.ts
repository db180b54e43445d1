import type {
  FixedPointNode,
  FixedPointOperation,
  FusedActivation,
  LinearOperator,
  Pair,
  Padding,
} from '../../../src/interpreter/fixedPoint/node.ts';
import { RANGES } from '../onnx/randomWeights.ts';
import { randomIntegers } from '../specs.ts';
import type { WrittenTensor } from './writeModel.ts';

/** A random graph as it grows: tensors, nodes, and what the next node may take. */

export type ActivationType = 'int8' | 'int16';

/** An activation [n, h, w, c] with one scale. */
export interface Value extends WrittenTensor {
  readonly type: ActivationType;
}

const ACTIVATIONS: readonly FusedActivation[] = ['NONE', 'NONE', 'RELU', 'RELU_N1_TO_1', 'RELU6'];

export class Growth {
  readonly tensors: WrittenTensor[] = [];
  readonly nodes: FixedPointNode[] = [];
  /** Activations that can be read again. */
  readonly values: Value[] = [];
  readonly type: ActivationType;
  readonly random: (lo: number, hi: number) => number;

  constructor(seed: number, type: ActivationType) {
    this.random = randomIntegers(seed);
    this.type = type;
  }

  chance(outOf: number): boolean {
    return this.random(1, outOf) === 1;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.random(0, list.length - 1)]!;
  }

  /** A float32 near `typical`. */
  scale(typical: number): number {
    return Math.fround((typical * this.random(50, 200)) / 100);
  }

  zeroPoint(): number {
    return this.type === 'int16' ? 0 : this.pick([-128, 0, this.random(-128, 127)]);
  }

  activation(): FusedActivation {
    return this.pick(ACTIVATIONS);
  }

  window(): { padding: Padding; strides: Pair; activation: FusedActivation } {
    return {
      padding: this.pick(['SAME', 'VALID']),
      strides: [this.random(1, 2), this.random(1, 2)],
      activation: this.activation(),
    };
  }

  value(shape: readonly number[], scale: number, zeroPoint = this.zeroPoint()): Value {
    const value = {
      name: `t${this.tensors.length}`,
      type: this.type,
      shape,
      scales: [scale],
      zeroPoints: [zeroPoint],
      axis: 0,
      data: null,
    };
    this.tensors.push(value);
    this.values.push(value);
    return value;
  }

  constant(
    type: WrittenTensor['type'],
    shape: readonly number[],
    data: readonly number[],
    quantization: { scales: readonly number[]; axis: number } = { scales: [], axis: 0 },
  ): WrittenTensor {
    const tensor = {
      name: `c${this.tensors.length}`,
      type,
      shape,
      ...quantization,
      zeroPoints: quantization.scales.map(() => 0),
      data,
    };
    this.tensors.push(tensor);
    return tensor;
  }

  list(data: readonly number[], shape = [data.length]): WrittenTensor {
    return this.constant('int32', shape, data);
  }

  /** A filter with its scales, one or one per channel, and a bias now and then: the inputs, and the output's typical scale. */
  weights(
    op: LinearOperator,
    input: Value,
    { shape, channels, taps }: { shape: readonly number[]; channels: number; taps: number },
  ): { inputs: readonly [filter: string, bias: string]; typicalScale: number } {
    const count = shape.reduce((product, extent) => product * extent, 1);
    const values = Array.from({ length: count }, () => this.random(-127, 127));
    const scales = Array.from({ length: this.chance(3) ? 1 : channels }, () => this.scale(0.01));
    // A channel so small that its output is constant.
    if (scales.length > 1 && this.chance(6)) scales[0] = Math.fround(2 ** -60);
    const axis = op === 'DEPTHWISE_CONV_2D' ? 3 : 0;
    const filter = this.constant('int8', shape, values, { scales, axis });
    const range = RANGES[this.type].hi;
    const typicalSum = Math.sqrt(taps) * 73 * range * 0.6;
    const [inputScale] = input.scales;
    return {
      inputs: [filter.name, this.#bias(op, channels, typicalSum)],
      typicalScale: (typicalSum * inputScale! * 0.01) / (range * 0.4),
    };
  }

  /** Its scale is never read, and left out. */
  #bias(op: LinearOperator, channels: number, typical: number): string {
    if (this.chance(4)) return '';
    const data = Array.from({ length: channels }, () => this.random(-Math.ceil(typical), Math.ceil(typical)));
    const mayBeNarrow = op === 'CONV_2D' || op === 'FULLY_CONNECTED';
    const type = this.type === 'int8' || (mayBeNarrow && this.chance(3)) ? 'int32' : 'int64';
    return this.constant(type, [channels], data).name;
  }

  node(operation: FixedPointOperation, inputs: readonly string[], output: { readonly name: string }): void {
    this.nodes.push({ name: output.name, operation, inputs, outputs: [output.name] });
  }
}
