import type { GraphNode } from '../types.ts';

/** Which operators are linear layers, where their operands are integers. */

const FLOAT_OPERATORS = new Set(['Conv', 'ConvTranspose', 'MatMul', 'Gemm']);
const INTEGER_OPERATORS = new Set(['ConvInteger', 'MatMulInteger', 'QLinearConv', 'QLinearMatMul']);

type Named = Pick<GraphNode, 'op' | 'domain'>;

export function isFloatOperator({ op, domain }: Named): boolean {
  return domain === '' && FLOAT_OPERATORS.has(op);
}

export function isIntegerOperator({ op, domain }: Named): boolean {
  return domain === '' ? INTEGER_OPERATORS.has(op) : domain === 'com.microsoft' && op === 'QGemm';
}
