import { CipherconvError } from '../../compiler/base/errors.ts';
import type { NodeProto } from '../frontend/onnx/proto/onnx_pb.ts';
import type { OnnxSource } from '../frontend/onnx/types.ts';
import type { ImportedModel } from '../frontend/imported/model.ts';
import { MOST_WRITTEN } from './importWork.ts';
import { rational, rationalOf } from './rational.ts';
import type { Rational } from './rational.ts';
import { refuseNode } from './refusal.ts';
import type { NamedNode } from './refusal.ts';

/** A constant as integers times one exact scale. */
export interface IntegerConstant {
  readonly shape: readonly number[];
  readonly values: readonly number[];
  readonly scale: Rational;
  /** Whether the scale is a float32 that was rounded: that of a bias is a rounded product. */
  readonly isRounded: boolean;
}

/** Integers of a float constant past this are no quantized weights. */
const LARGEST_WEIGHT = 2 ** 24;

/** Constants of a model as what they stand for. */
export class Constants {
  readonly #model: ImportedModel;
  readonly #dequantizers: ReadonlyMap<string, NodeProto>;
  readonly #quantized: OnnxSource['quantized'];

  constructor(model: ImportedModel, source: OnnxSource) {
    this.#model = model;
    this.#quantized = source.quantized;
    const nodes = source.proto.graph?.node ?? [];
    this.#dequantizers = new Map(
      nodes
        .filter(({ opType }) => opType === 'DequantizeLinear')
        .map((node): [string, NodeProto] => [node.output[0] ?? '', node]),
    );
  }

  has(name: string): boolean {
    return this.#model.constants.has(name);
  }

  /** How many numbers it has; 0 where there is none of this name. */
  count(name: string): number {
    return this.#model.constants.get(name)?.data.length ?? 0;
  }

  /**
   * The numbers themselves.
   * @throws CipherconvError `unsupported` for more than any network has
   */
  numbers(name: string): readonly number[] {
    const data = this.#model.constants.get(name)?.data ?? [];
    if (data.length <= MOST_WRITTEN) return Array.from(data);
    throw new CipherconvError({
      code: 'unsupported',
      where: `${this.#model.file}: ${name}`,
      message: 'not supported yet: a constant so large in a network of one round',
      expected: `at most ${MOST_WRITTEN} numbers`,
      found: String(data.length),
      hint: 'fewer inputs or outputs of the layer; or --mode hybrid',
    });
  }

  /**
   * One number of a float32 by which a whole tensor is scaled or divided.
   * @throws CipherconvError `unsupported` for several, for one that is no constant, and for 0, NaN and infinities
   */
  factor(node: NamedNode, name: string): number {
    const [value, ...others] = this.#one(node, name).map(Math.fround);
    if (value === undefined || others.length > 0)
      refuseNode(
        this.#model.file,
        node,
        `not supported yet: several factors for one tensor (${name})`,
        'quantize per tensor, and divide by one number',
      );
    if (!Number.isFinite(value) || value === 0)
      refuseNode(
        this.#model.file,
        node,
        `${name} is ${value}: nothing can be scaled or divided by it`,
        'give it a finite value that is not 0',
      );
    return value;
  }

  /**
   * A zero point, or another bound that may be left out.
   * @throws CipherconvError `unsupported` for several, for one that is no constant, and for NaN
   */
  optionalNumber(node: NamedNode, name: string): number | undefined {
    if (name === '') return undefined;
    const [value, ...others] = this.#one(node, name);
    if (value === undefined || others.length > 0 || Number.isNaN(value))
      refuseNode(
        this.#model.file,
        node,
        `not supported yet: ${name} is not one number`,
        'one constant for the whole tensor',
      );
    return value;
  }

  #one(node: NamedNode, name: string): readonly number[] {
    if (!this.has(name))
      refuseNode(
        this.#model.file,
        node,
        `not supported yet: an operand that is no constant (${name})`,
        'scales, zero points, bounds and divisors are constants of the model',
      );
    return [...new Set(this.numbers(name))];
  }

  /** @throws CipherconvError `unsupported` for floats that are no integers times one scale. */
  integers(node: NamedNode, name: string): IntegerConstant {
    const tensor = this.#model.constants.get(name);
    if (tensor === undefined)
      refuseNode(
        this.#model.file,
        node,
        `not supported yet: an operand that is no constant (${name})`,
        TRY_CONSTANT,
      );
    const { shape } = tensor;
    const dequantizer = this.#dequantizers.get(name);
    if (dequantizer !== undefined) return this.#dequantized(node, dequantizer, name, shape);
    const { integers, scales, zeroPoints } = this.#quantized.get(name) ?? { integers: null };
    if (integers === null) return this.#dyadic(node, name, shape, NO_INTEGERS);
    const [scale, zero] = [onlyOf(scales), onlyOf(zeroPoints)];
    if (scale === null || zero === null) return this.#dyadic(node, name, shape, SEVERAL);
    const values = Array.from(integers.data, (value) => value - zero);
    return { shape, values, scale: rationalOf(scale), isRounded: true };
  }

  #dequantized(
    node: NamedNode,
    dequantizer: NodeProto,
    name: string,
    shape: readonly number[],
  ): IntegerConstant {
    const [values = '', scaleName = '', zeroName = ''] = dequantizer.input;
    const scale = onlyOf(this.numbers(scaleName));
    const zero = zeroName === '' ? 0 : onlyOf(this.numbers(zeroName));
    if (scale === null || zero === null) return this.#dyadic(node, name, shape, SEVERAL);
    return {
      shape,
      values: this.numbers(values).map((value) => value - zero),
      scale: rationalOf(this.factor(node, scaleName)),
      isRounded: true,
    };
  }

  /** Floats that are whole multiples of a power of two, small ones; `refused` says why others are not taken. */
  #dyadic(
    node: NamedNode,
    name: string,
    shape: readonly number[],
    refused: (name: string) => readonly [message: string, hint: string],
  ): IntegerConstant {
    const numbers = this.numbers(name);
    let step = 1;
    while (step > 2 ** -24 && !numbers.every((value) => Number.isInteger(value / step))) step /= 2;
    const values = numbers.map((value) => value / step);
    if (!values.every((value) => Number.isInteger(value) && Math.abs(value) <= LARGEST_WEIGHT))
      refuseNode(this.#model.file, node, ...refused(name));
    return { shape, values, scale: rational(1n, BigInt(1 / step)), isRounded: false };
  }
}

/** The one number of a list, whatever its length; null for several. */
function onlyOf(numbers: readonly number[]): number | null {
  const [first] = numbers;
  return first !== undefined && numbers.every((value) => value === first) ? first : null;
}

const NO_INTEGERS = (name: string): readonly [string, string] => [
  `the weights ${name} are floats, not integers times a scale`,
  'quantize the model to few bits, or train one to a proved width: cipherconv fit',
];

const SEVERAL = (name: string): readonly [string, string] => [
  `not supported yet: weights with several scales or zero points (${name}) that are no multiples of one power of two`,
  'quantize per tensor',
];

const TRY_CONSTANT = 'networks in one round multiply encrypted values by constants, or square them';
