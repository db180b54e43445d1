import type { ElementType } from '../../src/frontend/onnx/proto/codes.ts';
import type { Case, Input } from './runNode.ts';

/** Inputs of one node, and the commonest node. */

export const f = (...shape: number[]): Input => ({ type: 'float32', shape });
export const within = (lo: number, hi: number, ...shape: number[]): Input => ({
  type: 'float32',
  shape,
  lo,
  hi,
});
export const whole = (type: ElementType, ...shape: number[]): Input => ({ type, shape });
export const list = (...values: number[]): Input => ({ type: 'int64', shape: [values.length], values });
export const scalar = (type: ElementType, value: number): Input => ({ type, shape: [], values: [value] });
export const scale = (...shape: number[]): Input => within(0.01, 0.1, ...shape);

export const unary = (op: string, input: Input = f(2, 3, 5)): Case => ({
  op,
  inputs: [input],
  outputs: [['float32', [2, 3, 5]]],
});

export const PICTURE = [2, 3, 7, 6] as const;
