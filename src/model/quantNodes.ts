import { clone } from '@bufbuild/protobuf';
import { CipherconvError } from '../../compiler/base/errors.ts';
import { ModelProtoSchema } from '../frontend/onnx/proto/onnx_pb.ts';
import type { ModelProto, NodeProto, TensorProto } from '../frontend/onnx/proto/onnx_pb.ts';
import type { OnnxTensor } from '../frontend/onnx/types.ts';
import { castNode } from '../frontend/onnx/proto/nodes.ts';
import { FreshNames } from '../frontend/onnx/proto/freshNames.ts';
import { initializer, node } from './protoParts.ts';

/**
 * QONNX's Quant and BipolarQuant in standard operators, which onnxruntime runs:
 *
 *   Quant(x, s, z, bits) = (round(clip(x / s + z, lo, hi)) - z) * s         BipolarQuant(x, s) = x >= 0 ? s : -s
 *
 * with the rounding mode that the node names. QONNX, docs/qonnx-custom-ops; its quant_op and bipolar_quant_op.
 */

export const QUANT_DOMAINS: ReadonlySet<string> = new Set([
  '',
  'onnx.brevitas',
  'qonnx.custom_op.general',
  'finn.custom_op.general',
]);

export function isQuant({ opType, domain }: NodeProto): boolean {
  return (opType === 'Quant' || opType === 'BipolarQuant') && QUANT_DOMAINS.has(domain);
}

/** What replaces one node. */
interface Replacement {
  readonly nodes: NodeProto[];
  readonly initializers: TensorProto[];
}

/** Collects nodes that each make one tensor. */
class Builder implements Replacement {
  readonly nodes: NodeProto[] = [];
  readonly initializers: TensorProto[] = [];
  readonly #names: FreshNames;
  readonly #base: string;

  constructor(names: FreshNames, base: string) {
    this.#names = names;
    this.#base = base;
  }

  op(name: string, ...inputs: string[]): string {
    const output = this.#names.fresh(`${this.#base}/${name}`);
    this.nodes.push(node(name, inputs, [output]));
    return output;
  }

  /** To float32. */
  cast(name: string): string {
    const output = this.#names.fresh(`${this.#base}/Cast`);
    this.nodes.push(castNode(name, 'float32', output));
    return output;
  }

  floats(shape: readonly number[], values: readonly number[]): string {
    const name = this.#names.fresh(`${this.#base}/constant`);
    this.initializers.push(initializer(name, 'float32', shape, values));
    return name;
  }

  scalar(value: number): string {
    return this.floats([], [value]);
  }

  /** Calls what `name` is, as the replaced node's output was called. */
  finish(name: string, output: string): void {
    this.nodes.push(node('Identity', [name], [output]));
  }
}

/** x + 1.5 * 2^23 - 1.5 * 2^23 in float32 is x rounded half to even for |x| < 2^22: for opsets without Round. */
const ROUNDING_CONSTANT = 1.5 * 2 ** 23;

function rounded(build: Builder, mode: string, x: string, opset: number, where: string): string {
  const withSign = (magnitude: string): string => build.op('Mul', build.op('Sign', x), magnitude);
  switch (mode.toUpperCase()) {
    case 'ROUND':
    case 'HALF_EVEN': {
      if (opset >= 11) return build.op('Round', x);
      const constant = build.scalar(ROUNDING_CONSTANT);
      return build.op('Sub', build.op('Add', x, constant), constant);
    }
    case 'CEIL':
      return build.op('Ceil', x);
    case 'FLOOR':
      return build.op('Floor', x);
    case 'UP':
      return withSign(build.op('Ceil', build.op('Abs', x)));
    case 'DOWN':
    case 'ROUND_TO_ZERO':
      return withSign(build.op('Floor', build.op('Abs', x)));
    case 'HALF_UP':
      return withSign(build.op('Floor', build.op('Add', build.op('Abs', x), build.scalar(0.5))));
    case 'HALF_DOWN':
      return withSign(build.op('Ceil', build.op('Sub', build.op('Abs', x), build.scalar(0.5))));
    default:
      throw new CipherconvError({
        code: 'unsupported',
        where,
        message: `not supported yet: the rounding mode ${JSON.stringify(mode)}`,
        expected: 'ROUND, CEIL, FLOOR, UP, DOWN, ROUND_TO_ZERO, HALF_UP, HALF_DOWN',
      });
  }
}

function integerOf(quant: NodeProto, name: string, fallback: number): number {
  const attribute = quant.attribute.find((candidate) => candidate.name === name);
  return attribute === undefined ? fallback : Number(attribute.i);
}

function roundingMode(quant: NodeProto): string {
  const attribute = quant.attribute.find(({ name }) => name === 'rounding_mode');
  return attribute === undefined ? 'ROUND' : new TextDecoder().decode(attribute.s);
}

/** Lowest and highest integer of each bit width. */
function limits(quant: NodeProto, widths: OnnxTensor): { lo: number[]; hi: number[] } {
  const signed = integerOf(quant, 'signed', 1) === 1;
  const narrow = integerOf(quant, 'narrow', 0) === 1 ? 1 : 0;
  const bits = Array.from(widths.data);
  return {
    lo: bits.map((width) => (signed ? -(2 ** (width - 1)) + narrow : 0)),
    hi: bits.map((width) => (signed ? 2 ** (width - 1) - 1 : 2 ** width - 1 - narrow)),
  };
}

function quantNodes(quant: NodeProto, constants: Constants, opset: number, build: Builder): void {
  const [x = '', , , width = ''] = quant.input;
  const [scale, zeroPoint] = [
    floatParameter(quant, 1, constants, build),
    floatParameter(quant, 2, constants, build),
  ];
  const output = quant.output[0] ?? '';
  const widths = constants.get(width);
  if (widths === undefined) {
    throw new CipherconvError({
      code: 'unsupported',
      where: output,
      message: 'not supported yet: a Quant node whose bit width is not constant',
    });
  }
  const { lo, hi } = limits(quant, widths);
  const shifted = build.op('Add', build.op('Div', x, scale), zeroPoint);
  const raised = build.op('Max', shifted, build.floats(widths.shape, lo));
  const clipped = build.op('Min', raised, build.floats(widths.shape, hi));
  const integer = rounded(build, roundingMode(quant), clipped, opset, output);
  build.finish(build.op('Mul', build.op('Sub', integer, zeroPoint), scale), output);
}

/**
 * A scale or zero point as the floats that the rest is computed in: QKeras exports doubles and int64.
 */
function floatParameter(quant: NodeProto, index: number, constants: Constants, build: Builder): string {
  const name = quant.input[index] ?? '';
  const constant = constants.get(name);
  if (constant === undefined) return build.cast(name);
  return constant.type === 'float32'
    ? name
    : build.floats(constant.shape, Array.from(constant.data, Math.fround));
}

function bipolarNodes(quant: NodeProto, constants: Constants, build: Builder): void {
  const x = quant.input[0] ?? '';
  const scale = floatParameter(quant, 1, constants, build);
  const isNegative = build.op('Less', x, build.scalar(0));
  const plus = build.op('Mul', scale, build.scalar(1));
  const minus = build.op('Mul', scale, build.scalar(-1));
  build.finish(build.op('Where', isNegative, minus, plus), quant.output[0] ?? '');
}

type Constants = ReadonlyMap<string, OnnxTensor>;

/** Version of the standard operators. */
export function standardOpset(model: ModelProto): number {
  const entry = model.opsetImport.find(({ domain }) => domain === '' || domain === 'ai.onnx');
  return Number(entry?.version ?? 1n);
}

/**
 * A copy of the model in which no Quant or BipolarQuant node is left.
 * @param constants of the imported model: bit widths are looked up there
 * @throws CipherconvError `unsupported` for rounding modes and bit widths that cannot be written down.
 */
export function withoutQuantNodes(model: ModelProto, constants: Constants): ModelProto {
  const copy = clone(ModelProtoSchema, model);
  const { graph } = copy;
  if (!graph?.node.some(isQuant)) return copy;
  const names = new FreshNames(graph);
  const opset = standardOpset(model);
  graph.node = graph.node.flatMap((original) => {
    if (!isQuant(original)) return [original];
    const build = new Builder(names, original.output[0] ?? '');
    if (original.opType === 'BipolarQuant') bipolarNodes(original, constants, build);
    else quantNodes(original, constants, opset, build);
    graph.initializer.push(...build.initializers);
    return build.nodes;
  });
  copy.opsetImport = copy.opsetImport.filter(
    ({ domain }) => domain === '' || domain === 'ai.onnx' || !QUANT_DOMAINS.has(domain),
  );
  return copy;
}
