import { CipherconvError } from '../../compiler/base/errors.ts';
import type { AttributeProto, GraphProto, NodeProto } from '../frontend/onnx/proto/onnx_pb.ts';
import type { ConstantFloats, Constants } from './constants.ts';

/** The linear nodes of a float model, and which of them can be quantized. */

/** A node whose weights become integers. */
export interface LinearNode {
  /** No other node's. */
  readonly name: string;
  readonly node: NodeProto;
  /** What its attributes become: alpha and beta of a Gemm go into its weights. */
  readonly attributes: readonly AttributeProto[];
  /** Tensor that it reads. */
  readonly input: string;
  readonly weights: ConstantFloats;
  /** Axis of the weights that the output channels run along; `tensor` where they share one scale. */
  readonly axis: number | 'tensor';
  readonly outputs: number;
  /** One per output channel; null for none. */
  readonly bias: Float64Array | null;
}

/** A linear node that stays in floats. */
export interface LeftNode {
  readonly name: string;
  readonly op: string;
  readonly reason: string;
}

const LINEAR = new Set(['Conv', 'Gemm', 'MatMul', 'ConvTranspose']);

function isLinear({ domain, opType }: NodeProto): boolean {
  return domain === '' && LINEAR.has(opType);
}

/** Tensors that would be weights and biases. */
export function operandNames(graph: GraphProto): ReadonlySet<string> {
  return new Set(graph.node.filter(isLinear).flatMap(({ input }) => input));
}

/**
 * Looks through the graph.
 * @throws CipherconvError `unsupported` for models without any such node
 */
export function linearNodes(
  graph: GraphProto,
  constants: Constants,
  file: string,
): { readonly nodes: readonly LinearNode[]; readonly left: readonly LeftNode[] } {
  const nodes: LinearNode[] = [];
  const left: LeftNode[] = [];
  const names = new Set<string>();
  for (const [index, node] of graph.node.entries()) {
    let name = [node.name, ...node.output].find((text) => text !== '') ?? node.opType;
    while (names.has(name)) name += `#${index}`;
    names.add(name);
    if (!isLinear(node)) continue;
    const found = readNode(node, name, constants);
    if (typeof found === 'string') left.push({ name, op: node.opType, reason: found });
    else nodes.push(found);
  }
  if (nodes.length > 0) return { nodes, left };
  throw new CipherconvError({
    code: 'unsupported',
    where: file,
    message: 'no layer of this model can be quantized',
    expected: 'a Conv, ConvTranspose, Gemm or MatMul of floats whose weights are constant',
    found: left.length === 0 ? 'none' : left.map(({ name, reason }) => `${name}: ${reason}`).join('; '),
  });
}

/** The node, or why it stays as it is. */
function readNode(node: NodeProto, name: string, constants: Constants): LinearNode | string {
  const [input = '', weightName = '', biasName = ''] = node.input;
  if (constants.has(input)) return 'its input is constant';
  if (!constants.has(weightName)) return 'its weights are computed from the input';
  const weights = constants.get(weightName) ?? null;
  if (weights === null) return 'its weights are no 32-bit floats';
  if (!weights.data.every(Number.isFinite)) return 'a weight is not a finite number';
  const form =
    node.opType === 'Conv' || node.opType === 'ConvTranspose'
      ? convForm(node, weights)
      : matrixForm(node, weights);
  if (typeof form === 'string') return form;
  const base = { name, node, input, ...form, weights: scaledBy(weights, form.alpha) };
  if (biasName === '') return { ...base, bias: null };
  const bias = biasOf(constants.get(biasName) ?? null, form.outputs, form.beta);
  return bias === null ? 'its bias is no constant with one finite value for each output' : { ...base, bias };
}

interface Form extends Pick<LinearNode, 'axis' | 'outputs' | 'attributes'> {
  readonly alpha: number;
  readonly beta: number;
}

function convForm(node: NodeProto, { shape }: ConstantFloats): Form | string {
  if (shape.length < 3) return 'its weights have too few axes';
  const plain = { attributes: node.attribute, alpha: 1, beta: 1 };
  if (node.opType === 'Conv') return { ...plain, axis: 0, outputs: shape[0] ?? 0 };
  // [inputs, outputs / group, ...]: of several groups each has its own channels at the same place of the axis.
  const group = Number(attributeOf(node, 'group')?.i ?? 1n);
  return { ...plain, axis: group === 1 ? 1 : 'tensor', outputs: (shape[1] ?? 0) * group };
}

function matrixForm(node: NodeProto, { shape }: ConstantFloats): Form | string {
  const [rows = 0, columns = 0] = shape;
  if (shape.length !== 2) return 'its weights are no matrix';
  if (node.opType === 'MatMul')
    return { attributes: node.attribute, alpha: 1, beta: 1, axis: 1, outputs: columns };
  const isSet = (name: string): boolean => (attributeOf(node, name)?.i ?? 0n) !== 0n;
  if (isSet('transA')) return 'not supported yet: Gemm with transA';
  return {
    attributes: node.attribute.filter(({ name }) => name !== 'alpha' && name !== 'beta'),
    alpha: attributeOf(node, 'alpha')?.f ?? 1,
    beta: attributeOf(node, 'beta')?.f ?? 1,
    axis: isSet('transB') ? 0 : 1,
    outputs: isSet('transB') ? rows : columns,
  };
}

function attributeOf(node: NodeProto, name: string): AttributeProto | undefined {
  return node.attribute.find((each) => each.name === name);
}

function scaledBy({ shape, data }: ConstantFloats, alpha: number): ConstantFloats {
  return { shape, data: alpha === 1 ? data : data.map((weight) => weight * alpha) };
}

/** A bias of a Gemm may be one number, or [1, outputs]. */
function biasOf(bias: ConstantFloats | null, outputs: number, beta: number): Float64Array | null {
  if (bias?.data.every(Number.isFinite) !== true) return null;
  const { shape, data } = bias;
  if (data.length === 1 && outputs !== 1) return new Float64Array(outputs).fill((data[0] ?? 0) * beta);
  return data.length === outputs && shape.at(-1) === outputs ? data.map((value) => value * beta) : null;
}
