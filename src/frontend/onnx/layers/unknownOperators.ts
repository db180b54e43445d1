import { describeNode } from '../graph/attributes.ts';
import type { GraphState } from '../graph/state.ts';
import type { GraphNode, InnerNode } from '../types.ts';
import type { UnsupportedNode } from '../../imported/types.ts';
import { isFloatOperator, isIntegerOperator } from './linearOperators.ts';

/**
 * Operators that cannot be layers: those that are linear hide weights that are not
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

/** Whether it is linear, so that it stays in the clear with its weights, although its shapes may be known. */
export function hidesWeights(node: GraphNode): boolean {
  return LINEAR.has(fullName(node));
}

function fullName({ op, domain }: GraphNode): string {
  return domain === '' ? op : `${domain}.${op}`;
}

/** A node as messages have it. */
export function refusedNode(node: GraphNode, kind: UnsupportedNode['kind'], reason: string): UnsupportedNode {
  return { name: node.name, op: fullName(node), kind, reason };
}

/** Why a node of an unknown operator runs in the clear, and whether it hides a layer on integers. */
export function whyUnknown(
  node: GraphNode,
  state: GraphState,
): { readonly node: UnsupportedNode; readonly hasIntegers: boolean } {
  if (!hasBodies(node)) return { node: reasonOf(node), hasIntegers: false };
  const isQuantized = node.inner.some(({ op }) => op === 'DequantizeLinear');
  const linear = node.inner.filter((inner) => isIntegerOperator(inner) || isFloatOperator(inner));
  const reason = `control flow runs in the clear as a whole${hidden(linear)}${remedy(node, state)}`;
  return {
    node: refusedNode(node, linear.length > 0 ? 'linear' : 'operator', reason),
    hasIntegers: linear.some(isIntegerOperator) || (isQuantized && linear.length > 0),
  };
}

function hasBodies({ attributes }: GraphNode): boolean {
  return [...attributes.values()].some(({ g, graphs }) => g.length > 0 || graphs.length > 0);
}

/** Linear layers that cannot be encrypted because of where they stand. */
function hidden(linear: readonly InnerNode[]): string {
  const [first] = linear;
  if (first === undefined) return '';
  const more = linear.length > 1 ? ` and ${linear.length - 1} more` : '';
  return `, and with it ${describeNode(first)}${more}`;
}

/** A branch is taken out of an If whose condition is constant (graph/branches.ts). */
function remedy({ op, inputs }: GraphNode, { graphInputs }: GraphState): string {
  const [condition = ''] = inputs;
  return op === 'If' && graphInputs.has(condition) ? `; --bind ${condition}=FILE.pb decides it` : '';
}

function reasonOf(node: GraphNode): UnsupportedNode {
  const plain = refusedNode(node, 'operator', 'this operator is not known');
  const reason = LINEAR.get(plain.op);
  if (reason !== undefined) return { ...plain, kind: 'linear', reason };
  return node.op === 'RequantShift' ? { ...plain, reason: REQUANT_SHIFT } : plain;
}
