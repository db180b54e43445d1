import { clone, create } from '@bufbuild/protobuf';
import { FreshNames } from '../proto/freshNames.ts';
import { NodeList, standardNode } from '../proto/nodes.ts';
import { toTensorProto } from '../proto/tensorProto.ts';
import { NodeProtoSchema } from '../proto/onnx_pb.ts';
import type { GraphProto, NodeProto } from '../proto/onnx_pb.ts';

/**
 * Operators of onnxruntime's own domain that are several standard ones in one, written out, so that what follows knows only
 * the standard ones (onnxruntime, docs/ContribOperators.md):
 *
 *   DynamicQuantizeMatMul(A, B, sb, zb, bias)         = MatMulIntegerToFloat(q, B, sa, sb, za, zb, bias) with
 *                                                       q, sa, za = DynamicQuantizeLinear(A)
 *   MatMulIntegerToFloat(A, B, sa, sb, za, zb, bias)  = Cast(MatMulInteger(A, B, za, zb)) * (sa * sb) + bias
 *
 * and Gemm with factors, so that its products alone are left to it: alpha (A B) + beta C.
 */
export function writeOutComposed(graph: GraphProto): void {
  if (!graph.node.some((node) => isComposed(node) || hasFactors(node))) return;
  const names = new FreshNames(graph);
  graph.node = graph.node.flatMap((node) => {
    if (isComposed(node)) return writtenOut(node, names);
    return hasFactors(node) ? withoutFactors(node, graph, names) : [node];
  });
}

function factorsOf(node: NodeProto): { readonly alpha: number; readonly beta: number } {
  const factor = (wanted: string): number => node.attribute.find(({ name }) => name === wanted)?.f ?? 1;
  return { alpha: factor('alpha'), beta: (node.input[2] ?? '') === '' ? 1 : factor('beta') };
}

function hasFactors(node: NodeProto): boolean {
  if (node.opType !== 'Gemm' || (node.domain !== '' && node.domain !== 'ai.onnx')) return false;
  const { alpha, beta } = factorsOf(node);
  return alpha !== 1 || beta !== 1;
}

/** The product keeps the name of the node: layers are called by it. */
function withoutFactors(node: NodeProto, graph: GraphProto, names: FreshNames): NodeProto[] {
  const { alpha, beta } = factorsOf(node);
  const output = node.output[0] ?? '';
  const list = new NodeList(names, output === '' ? node.name : output);
  const times = (factor: number, tensor: string): string => {
    if (factor === 1) return tensor;
    const name = list.fresh('factor');
    graph.initializer.push(
      toTensorProto({ type: 'float32', shape: [], data: Float32Array.of(factor) }, name),
    );
    return list.add('Mul', tensor, name);
  };
  const product = clone(NodeProtoSchema, node);
  product.name = node.name === '' ? output : node.name;
  product.attribute = product.attribute.filter(({ name }) => name !== 'alpha' && name !== 'beta');
  product.input = node.input.slice(0, 2);
  product.output = [list.fresh('Gemm')];
  list.nodes.push(product);
  const scaled = times(alpha, product.output[0]!);
  const summand = node.input[2] ?? '';
  if (summand === '' || beta === 0) return [...list.nodes, standardNode('Identity', [scaled], output)];
  const added = times(beta, summand);
  return [...list.nodes, standardNode('Add', [scaled, added], output)];
}

function isComposed({ domain, opType }: NodeProto): boolean {
  return (
    domain === 'com.microsoft' && (opType === 'DynamicQuantizeMatMul' || opType === 'MatMulIntegerToFloat')
  );
}

function writtenOut(node: NodeProto, names: FreshNames): NodeProto[] {
  const list = new NodeList(names, node.output[0] ?? node.name);
  const input = (index: number): string => node.input[index] ?? '';
  if (node.opType === 'MatMulIntegerToFloat') {
    const left = { value: input(0), scale: input(2), zeroPoint: input(4) };
    const right = { value: input(1), scale: input(3), zeroPoint: input(5) };
    return integerProduct(node, list, left, right, input(6));
  }
  const left = { value: list.fresh('q'), scale: list.fresh('scale'), zeroPoint: list.fresh('zeroPoint') };
  list.nodes.push(
    create(NodeProtoSchema, {
      opType: 'DynamicQuantizeLinear',
      input: [input(0)],
      output: [left.value, left.scale, left.zeroPoint],
    }),
  );
  return integerProduct(
    node,
    list,
    left,
    { value: input(1), scale: input(2), zeroPoint: input(3) },
    input(4),
  );
}

interface Affine {
  readonly value: string;
  readonly scale: string;
  readonly zeroPoint: string;
}

/** The product keeps the name of the node: layers are called by it. */
function integerProduct(
  node: NodeProto,
  list: NodeList,
  left: Affine,
  right: Affine,
  bias: string,
): NodeProto[] {
  const integers = list.fresh('MatMulInteger');
  const product = clone(NodeProtoSchema, node);
  product.opType = 'MatMulInteger';
  product.domain = '';
  product.attribute = [];
  product.input = [left.value, right.value, left.zeroPoint, right.zeroPoint];
  product.output = [integers];
  list.nodes.push(product);
  const factors = [list.cast(integers, 'float32'), list.add('Mul', left.scale, right.scale)];
  const output = node.output[0] ?? '';
  if (bias === '') return [...list.nodes, standardNode('Mul', factors, output)];
  const scaled = list.add('Mul', ...factors);
  return [...list.nodes, standardNode('Add', [scaled, bias], output)];
}
