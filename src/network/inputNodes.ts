import { CipherconvError } from '../../compiler/base/errors.ts';
import type { NetworkInput } from '../../compiler/network/spec.ts';
import { elementCount } from '../../compiler/base/tensor.ts';
import { datatypeRange } from '../../compiler/base/interval.ts';
import type { Interval } from '../../compiler/base/interval.ts';
import { HALF_TO_EVEN, QONNX_DOMAINS, quantMode, quantRange } from '../frontend/onnx/operators/quantizers.ts';
import type { GraphNode } from '../frontend/onnx/types.ts';
import type { ImportedModel } from '../frontend/imported/model.ts';
import { identityTensor } from './affine.ts';
import type { AffineTensor } from './affine.ts';
import type { Constants } from './constants.ts';
import type { ImportWork } from './importWork.ts';
import { levelOf } from './port.ts';
import type { NetworkPort } from './port.ts';
import { ONE, rationalOf } from './rational.ts';
import { FLOAT_TYPES, refuseNode, refuseOperator, requireFloats } from './refusal.ts';

type Quantization = NonNullable<NetworkPort['quantize']>;

const INTEGER_TYPES: Readonly<Record<string, Interval>> = {
  uint16: datatypeRange(16, false),
  int16: datatypeRange(16, true),
  uint8: datatypeRange(8, false),
  int8: datatypeRange(8, true),
  uint4: datatypeRange(4, false),
  int4: datatypeRange(4, true),
  uint2: datatypeRange(2, false),
  int2: datatypeRange(2, true),
};

/** Reads the first nodes: what lies between the graph input and its integers. */
export class InputReader {
  readonly #model: ImportedModel;
  readonly #constants: Constants;
  readonly #name: string;
  readonly #shape: readonly number[];
  /** Tensors that are the input as floats, with what a Clip cuts them to. */
  readonly #floats = new Map<string, Interval>();
  #range: Interval | null = null;
  #quantize: NetworkPort['quantize'] = null;

  constructor(model: ImportedModel, constants: Constants, work: ImportWork) {
    const [input, ...others] = model.inputs;
    const shape = input?.shape ?? null;
    if (input === undefined || others.length > 0 || shape?.[0] !== 1)
      throw new CipherconvError({
        code: 'unsupported',
        where: model.file,
        message: 'not supported yet: a network whose input is not one tensor of batch 1 and known shape',
        expected: 'one input [1, ...]',
        found: model.inputs
          .map(({ name, shape: found }) => `${name} [${found?.join(', ') ?? '?'}]`)
          .join(', '),
        hint: '--bind makes other inputs constant, --extent gives symbolic extents',
      });
    work.take({ op: 'input', name: input.name }, elementCount(shape));
    this.#model = model;
    this.#constants = constants;
    this.#name = input.name;
    this.#shape = shape;
  }

  /** The graph input itself, where it holds integers. */
  begin(): [string, AffineTensor][] {
    const type = this.#model.inputs[0]?.type ?? '';
    const range = INTEGER_TYPES[type];
    if (range !== undefined) return [[this.#name, this.#open(range)]];
    if (!FLOAT_TYPES.includes(type))
      throw new CipherconvError({
        code: 'unsupported',
        where: `${this.#model.file}: ${this.#name}`,
        message: `not supported yet: an input of ${type || 'unknown type'} in a network of one round`,
        expected: [...FLOAT_TYPES, ...Object.keys(INTEGER_TYPES)].join(', '),
        hint: 'declare the input as one of these',
      });
    this.#floats.set(this.#name, { lo: -Infinity, hi: Infinity });
    return [];
  }

  #open(range: Interval): AffineTensor {
    this.#range = range;
    return identityTensor(this.#shape.slice(1), ONE, 0);
  }

  /** The tensors that a node of the input makes; null for nodes behind it. */
  visit(node: GraphNode): [string, AffineTensor][] | null {
    const [source = '', ...operands] = node.inputs;
    const float = this.#floats.get(source);
    const [output = ''] = node.outputs;
    if (float === undefined) return null;
    if (node.op === 'Quant' && QONNX_DOMAINS.has(node.domain))
      return [[output, this.#requantized(node, float)]];
    if (node.domain !== '') refuseOperator(this.#model.file, node);
    if (node.op === 'Clip') {
      const [low, high] = [0, 1].map((index) => this.#constants.optionalNumber(node, operands[index] ?? ''));
      if (node.attributes.has('min') || node.attributes.has('max'))
        refuseNode(
          this.#model.file,
          node,
          'not supported yet: bounds as attributes (opset 6)',
          'export the model with opset 11 or later',
        );
      this.#floats.set(output, {
        lo: Math.max(float.lo, low ?? -Infinity),
        hi: Math.min(float.hi, high ?? Infinity),
      });
      return [];
    }
    if (node.op === 'Identity' || node.op === 'Cast') {
      requireFloats(this.#model, node);
      this.#floats.set(output, float);
      return [];
    }
    if (node.op === 'QuantizeLinear') return [[output, this.#quantized(node, float)]];
    return refuseNode(
      this.#model.file,
      node,
      'the input is not quantized',
      'put QuantizeLinear behind the input (and Clip before it): the range of its integers decides how wide sums get',
    );
  }

  #quantized(node: GraphNode, float: Interval): AffineTensor {
    const [, scaleName = '', zeroName = ''] = node.inputs;
    const scale = this.#constants.factor(node, scaleName);
    const zeroPoint = this.#constants.optionalNumber(node, zeroName) ?? 0;
    const type = this.#model.values.get(node.outputs[0] ?? '')?.type ?? 'uint8';
    const range = INTEGER_TYPES[type];
    if (range === undefined || scale < 0)
      refuseNode(
        this.#model.file,
        node,
        `not supported yet: such a quantization, to ${type}`,
        'one positive scale, 16 bits or fewer',
      );
    return this.#levels(node, float, { scale, zeroPoint }, range);
  }

  #levels(node: GraphNode, float: Interval, quantize: Quantization, range: Interval): AffineTensor {
    const levels = { lo: levelOf(float.lo, quantize, range), hi: levelOf(float.hi, quantize, range) };
    this.#requireSame(node, quantize, levels);
    this.#quantize = quantize;
    return this.#open(levels);
  }

  /** QONNX: to levels and back to floats, scale * level. */
  #requantized(node: GraphNode, float: Interval): AffineTensor {
    const [, scaleName = '', zeroName = '', bitsName = ''] = node.inputs;
    const scale = this.#constants.factor(node, scaleName);
    const zeroPoint = this.#constants.optionalNumber(node, zeroName) ?? 0;
    const bits = this.#constants.optionalNumber(node, bitsName) ?? 0;
    const mode = quantMode(node);
    const isKnown = scale > 0 && zeroPoint === 0 && HALF_TO_EVEN.includes(mode);
    if (!isKnown || !Number.isInteger(bits) || bits < 1 || bits > 16)
      refuseNode(
        this.#model.file,
        node,
        `not supported yet: such a Quant of the input: scale ${scale}, zero point ${zeroPoint}, ${bits} bits, ${mode}`,
        'one positive scale, zero point 0, 16 bits or fewer, rounding_mode ROUND',
      );
    const levels = this.#levels(node, float, { scale, zeroPoint }, quantRange(node, bits));
    return { ...levels, scale: rationalOf(scale) };
  }

  /** The input is encrypted once: all its quantizations must give the same integers. */
  #requireSame(node: GraphNode, { scale, zeroPoint }: Quantization, { lo, hi }: Interval): void {
    const [before, range] = [this.#quantize, this.#range];
    if (before === null || range === null) return;
    const isSame =
      before.scale === scale && before.zeroPoint === zeroPoint && range.lo === lo && range.hi === hi;
    if (!isSame)
      refuseNode(
        this.#model.file,
        node,
        'not supported yet: an input that is quantized in two ways',
        'quantize the input once, or with the same Clip, scale and zero point everywhere',
      );
  }

  /** Number of input elements. */
  count(): number {
    return this.#shape.reduce((product, extent) => product * extent, 1);
  }

  network(): NetworkInput {
    if (this.#range === null)
      throw new CipherconvError({
        code: 'unsupported',
        where: `${this.#model.file}: ${this.#name}`,
        message: 'the input is never quantized',
        hint: 'put QuantizeLinear behind the input',
      });
    return { shape: this.#shape.slice(1), range: this.#range };
  }

  port(): NetworkPort {
    const type = this.#model.inputs[0]?.type ?? 'float32';
    return { name: this.#name, type, shape: this.#shape, quantize: this.#quantize };
  }
}
