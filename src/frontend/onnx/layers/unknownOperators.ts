import type { GraphNode, UnsupportedNode } from '../types.ts';

/**
 * Operators that no record knows, and what is known of them all the same: those that are linear hide weights that are not
 * encrypted.
 */
const LINEAR: ReadonlyMap<string, string> = new Map([
  ['LSTM', 'not supported yet: recurrent layers'],
  ['GRU', 'not supported yet: recurrent layers'],
  ['RNN', 'not supported yet: recurrent layers'],
  ['Einsum', 'not supported yet: Einsum'],
  ['com.microsoft.DynamicQuantizeLSTM', 'not supported yet: recurrent layers'],
  ['com.microsoft.QAttention', 'not supported yet: attention as one operator'],
  ['com.microsoft.Attention', 'not supported yet: attention as one operator'],
  ['com.microsoft.MatMulNBits', 'not supported yet: quantization in blocks'],
  ['com.microsoft.QLinearConv', 'not supported yet: convolutions of the layout NHWC'],
  ['com.microsoft.FusedConv', 'not supported yet: fused float convolutions'],
  ['com.microsoft.FusedGemm', 'not supported yet: fused float products'],
  ['com.microsoft.FusedMatMul', 'not supported yet: fused float products'],
]);

/** PULP rounds (x mul + add) / div down; the same node stands for rounding half up elsewhere (Quantlab, its CMSIS form). */
const REQUANT_SHIFT =
  'RequantShift rounds down for some processors and half up for others, and the model does not say which: export Mul, Add, Div and Floor';

/** A node as messages have it. */
export function refusedNode(node: GraphNode, kind: UnsupportedNode['kind'], reason: string): UnsupportedNode {
  const op = node.domain === '' ? node.op : `${node.domain}.${node.op}`;
  return { name: node.name, op, kind, reason };
}

export function whyUnknown(node: GraphNode): UnsupportedNode {
  const plain = refusedNode(node, 'operator', 'this operator is not known');
  const reason = LINEAR.get(plain.op);
  if (reason !== undefined) return { ...plain, kind: 'linear', reason };
  return node.op === 'RequantShift' ? { ...plain, reason: REQUANT_SHIFT } : plain;
}
