import { CipherconvError } from '../../compiler/base/errors.ts';
import { EXTERNAL } from '../frontend/onnx/proto/codes.ts';
import { noExternalData } from '../frontend/onnx/proto/externalReader.ts';
import type { AttributeProto, GraphProto, NodeProto, TensorProto } from '../frontend/onnx/proto/onnx_pb.ts';
import { decodeTensor } from '../frontend/onnx/proto/tensorProto.ts';

/** The linear nodes of a float model, and which of them can be quantized. */

/** A node whose weights become integers. */
export interface LinearNode {
  readonly name: string;
  readonly node: NodeProto;
  /** Tensor that it reads. */
  readonly input: string;
  readonly weights: { readonly shape: readonly number[]; readonly data: Float64Array };
  /** Axis of the output channels. */
  readonly axis: number;
  /** One per output channel; null without a bias among the inputs. */
  readonly bias: Float64Array | null;
}

/** A linear node that stays in floats. */
export interface LeftNode {
  readonly name: string;
  readonly op: string;
  readonly reason: string;
}

const LINEAR = new Set(['Conv', 'Gemm', 'MatMul', 'ConvTranspose']);

/**
 * Looks through the graph.
 * @throws CipherconvError `unsupported` for data outside the file, and models without any such node
 */
export function linearNodes(
  graph: GraphProto,
  file: string,
): { readonly nodes: readonly LinearNode[]; readonly left: readonly LeftNode[] } {
  requireForm(graph, file);
  const constants = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));
  const nodes: LinearNode[] = [];
  const left: LeftNode[] = [];
  for (const node of graph.node) {
    if (node.domain !== '' || !LINEAR.has(node.opType)) continue;
    const name = node.name === '' ? (node.output[0] ?? node.opType) : node.name;
    const found = readNode(node, name, constants);
    if (typeof found === 'string') left.push({ name, op: node.opType, reason: found });
    else nodes.push(found);
  }
  if (nodes.length > 0) return { nodes, left };
  throw new CipherconvError({
    code: 'unsupported',
    where: file,
    message: 'no layer of this model can be quantized',
    expected: 'a Conv, Gemm or MatMul of floats whose weights are constant',
    found: left.length === 0 ? 'none' : left.map(({ name, reason }) => `${name}: ${reason}`).join('; '),
  });
}

function requireForm(graph: GraphProto, file: string): void {
  const outside = graph.initializer.find(({ dataLocation }) => dataLocation === EXTERNAL);
  if (outside === undefined) return;
  throw new CipherconvError({
    code: 'unsupported',
    where: `${file}: ${outside.name}`,
    message: 'not supported yet: weights outside the model file',
    hint: 'save the model as one file: onnx.save(onnx.load(path), path)',
  });
}

/** The node, or why it stays as it is. */
function readNode(
  node: NodeProto,
  name: string,
  constants: ReadonlyMap<string, TensorProto>,
): LinearNode | string {
  const [input = '', weightName = '', biasName = ''] = node.input;
  if (node.opType === 'ConvTranspose') return 'not supported yet: transposed convolutions';
  if (constants.has(input)) return 'its input is constant';
  const weights = floatsOf(constants.get(weightName), weightName);
  if (weights === null) return 'its weights are no constant of 32-bit floats';
  const axis = channelAxis(node, weights.shape.length);
  if (typeof axis === 'string') return axis;
  if (biasName === '') return { name, node, input, weights, axis, bias: null };
  const bias = floatsOf(constants.get(biasName), biasName);
  if (bias === null || bias.data.length !== weights.shape[axis])
    return 'its bias is no constant with one value for each output';
  return { name, node, input, weights, axis, bias: bias.data };
}

function floatsOf(tensor: TensorProto | undefined, name: string): LinearNode['weights'] | null {
  if (tensor === undefined) return null;
  const { type, shape, data } = decodeTensor(tensor, name, noExternalData);
  return type === 'float32' ? { shape, data: Float64Array.from(data as ArrayLike<number>) } : null;
}

function channelAxis(node: NodeProto, rank: number): number | string {
  if (node.opType === 'Conv') return rank >= 3 ? 0 : 'its weights have too few axes';
  if (rank !== 2) return 'its weights are no matrix';
  if (node.opType === 'MatMul') return 1;
  const attribute = (name: string): AttributeProto | undefined =>
    node.attribute.find((each) => each.name === name);
  const isScaled = ['alpha', 'beta'].some((name) => (attribute(name)?.f ?? 1) !== 1);
  const isSet = (name: string): boolean => (attribute(name)?.i ?? 0n) !== 0n;
  if (isScaled || isSet('transA')) return 'not supported yet: Gemm with alpha, beta or transA';
  return isSet('transB') ? 0 : 1;
}
