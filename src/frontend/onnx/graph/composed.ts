import { clone, create } from '@bufbuild/protobuf';
import { FreshNames } from '../proto/freshNames.ts';
import { NodeList, standardNode } from '../proto/nodes.ts';
import { NodeProtoSchema } from '../proto/onnx_pb.ts';
import type { GraphProto, NodeProto } from '../proto/onnx_pb.ts';

/**
 * Operators of onnxruntime's own domain that are several standard ones in one, written out, so that what follows knows only
 * the standard ones (onnxruntime, docs/ContribOperators.md):
 *
 *   DynamicQuantizeMatMul(A, B, sb, zb, bias)         = MatMulIntegerToFloat(q, B, sa, sb, za, zb, bias) with
 *                                                       q, sa, za = DynamicQuantizeLinear(A)
 *   MatMulIntegerToFloat(A, B, sa, sb, za, zb, bias)  = Cast(MatMulInteger(A, B, za, zb)) * (sa * sb) + bias
 */
export function writeOutComposed(graph: GraphProto): void {
  if (!graph.node.some(isComposed)) return;
  const names = new FreshNames(graph);
  graph.node = graph.node.flatMap((node) => (isComposed(node) ? writtenOut(node, names) : [node]));
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
