import { intAttribute } from '../graph/attributes.ts';
import { contradiction, inputShape, inputType, shapeText } from '../graph/state.ts';
import type { NodeView } from '../graph/state.ts';
import type { ElementType } from '../proto/codes.ts';
import { broadcastShape } from '../../../interpreter/moves.ts';
import { unbounded } from './grids.ts';
import { named } from './operator.ts';
import type { Family, Operator, ShapeRule } from './operator.ts';

/** Matrix products. */

function product(rightInput: number, typeOf: (view: NodeView) => ElementType | null): ShapeRule {
  return (view) => {
    const [left, right, type] = [inputShape(view, 0), inputShape(view, rightInput), typeOf(view)];
    if (left === null || right === null) return [{ type, shape: null }];
    const fault = (): never =>
      contradiction(
        view.node,
        'the matrices do not go together',
        'as many columns on the left as rows on the right',
        `${shapeText(left)} and ${shapeText(right)}`,
      );
    if (left.length === 0 || right.length === 0) return fault();
    const a = left.length === 1 ? [1, ...left] : left;
    const b = right.length === 1 ? [...right, 1] : right;
    if (a.at(-1) !== b.at(-2)) return fault();
    const batch = broadcastShape(a.slice(0, -2), b.slice(0, -2)) ?? fault();
    const rows = left.length === 1 ? [] : a.slice(-2, -1);
    const columns = right.length === 1 ? [] : b.slice(-1);
    return [{ type, shape: [...batch, ...rows, ...columns] }];
  };
}

/** Rows and columns of a product of two matrices, transposed as the attributes say; null where they are not known. */
export function gemmExtents(view: NodeView, leftInput: number, rightInput: number): readonly number[] | null {
  const { node } = view;
  const [left, right] = [inputShape(view, leftInput), inputShape(view, rightInput)];
  if (left?.length !== 2 || right?.length !== 2) return null;
  const a = intAttribute(node, 'transA', 0) === 0 ? left : left.toReversed();
  const b = intAttribute(node, 'transB', 0) === 0 ? right : right.toReversed();
  if (a[1] !== b[0])
    contradiction(
      node,
      'the matrices do not go together',
      `${a[1]!} rows on the right`,
      `${shapeText(left)} and ${shapeText(right)}`,
    );
  return [a[0]!, b[1]!];
}

const gemmShape: ShapeRule = (view) => [{ type: inputType(view, 0), shape: gemmExtents(view, 0, 1) }];

const base: Omit<Operator, 'shape'> = { grid: null, clear: null, folds: 'never' };

export const PRODUCTS: Family = new Map([
  ...named('MatMul', { ...base, shape: product(1, (view) => inputType(view, 0)), grid: unbounded }),
  ...named('MatMulInteger', { ...base, shape: product(1, () => 'int32') }),
  ...named('QLinearMatMul', { ...base, shape: product(3, (view) => inputType(view, 7)) }),
  ...named('Gemm', { ...base, shape: gemmShape, grid: unbounded }),
]);
