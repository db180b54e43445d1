import { elementCount } from '../../../../compiler/base/tensor.ts';
import { multiplied } from '../../../interpreter/linear.ts';
import { broadcastShape, broadcastSteps, strided, transpose } from '../../../interpreter/moves.ts';
import { multiplierOf, requantized } from '../../../interpreter/quantize.ts';
import { centred, emptyArray } from '../../../interpreter/values.ts';
import type { NumericArray } from '../../../interpreter/values.ts';
import { floatAttribute, intAttribute } from '../graph/attributes.ts';
import { contradiction, inputShape, inputType, shapeText } from '../graph/state.ts';
import type { NodeView } from '../graph/state.ts';
import type { ElementType } from '../proto/codes.ts';
import type { OnnxTensor } from '../types.ts';
import { linearBounds } from './bounds.ts';
import { unbounded } from './grids.ts';
import { computes, inputAt, named } from './operator.ts';
import type { ClearRule, Family, Operator, ShapeRule } from './operator.ts';
import { productWork } from './work.ts';

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

/** [..., rows, inner] times [..., inner, columns]; vectors as matrices of one row or column. */
function productsOf(
  left: { readonly shape: readonly number[]; readonly values: Float64Array },
  right: { readonly shape: readonly number[]; readonly values: Float64Array },
): Float64Array {
  const a = left.shape.length === 1 ? [1, ...left.shape] : left.shape;
  const b = right.shape.length === 1 ? [...right.shape, 1] : right.shape;
  const [rows, inner, columns] = [a.at(-2) ?? 1, a.at(-1) ?? 1, b.at(-1) ?? 1];
  const batch = broadcastShape(a.slice(0, -2), b.slice(0, -2)) ?? [];
  const count = elementCount(batch);
  // Which matrix of each side a batch has: positions of its elements in the broadcast shape.
  const positions = (shape: readonly number[]): NumericArray => {
    const indices = Int32Array.from({ length: elementCount(shape) }, (_, index) => index);
    return strided({ type: 'int32', shape, data: indices }, batch, broadcastSteps(shape, batch)).data;
  };
  const [fromA, fromB] = [positions(a.slice(0, -2)), positions(b.slice(0, -2))];
  const sums = new Float64Array(count * rows * columns);
  for (let index = 0; index < count; index++) {
    const matrixA = left.values.subarray(fromA[index]! * rows * inner, (fromA[index]! + 1) * rows * inner);
    const start = fromB[index]! * inner * columns;
    const matrixB = right.values.subarray(start, start + inner * columns);
    sums.set(multiplied(matrixA, matrixB, rows, inner, columns), index * rows * columns);
  }
  return sums;
}

/** Zero points taken off: one for all, or one per index of an axis. */
function centredAlong(
  { data, shape }: OnnxTensor,
  zeroPoints: NumericArray | null,
  axis: number,
): Float64Array {
  if (zeroPoints === null || zeroPoints.length <= 1) return centred(data, zeroPoints?.[0] ?? 0);
  const inner = elementCount(shape.slice(axis + 1));
  const extent = shape[axis]!;
  const values = new Float64Array(data.length);
  for (let index = 0; index < values.length; index++)
    values[index] = data[index]! - zeroPoints[Math.floor(index / inner) % extent]!;
  return values;
}

/** A has a zero point per row, B one per column, if more than one. */
function integerProducts(
  a: OnnxTensor,
  b: OnnxTensor,
  zeroA: NumericArray | null,
  zeroB: NumericArray | null,
): Float64Array {
  return productsOf(
    { shape: a.shape, values: centredAlong(a, zeroA, Math.max(0, a.shape.length - 2)) },
    { shape: b.shape, values: centredAlong(b, zeroB, b.shape.length - 1) },
  );
}

/** Summed in doubles, rounded to the type once. */
const matMulClear = computes(2, (inputs, { output }) => {
  const [a, b] = [inputs[0]!, inputs[1]!];
  const sums = integerProducts(a, b, null, null);
  const data = emptyArray(output.type, sums.length);
  data.set(sums);
  return { ...output, data };
});

const matMulIntegerClear: ClearRule = (call) => {
  const [a, b] = [inputAt(call, 0), inputAt(call, 1)];
  if (a === null || b === null) return null;
  const [zeroA, zeroB] = [inputAt(call, 2), inputAt(call, 3)];
  const sums = integerProducts(a, b, zeroA?.data ?? null, zeroB?.data ?? null);
  return [{ ...call.output, data: Int32Array.from(sums) }];
};

/** a, scale, zero point, b, scale, zero point, scale and zero point of the output. */
const quantizedClear: ClearRule = (call) => {
  const [a, scaleA, zeroA, b, scaleB, zeroB, scaleY, zeroY] = call.inputs;
  if (!a || !scaleA || !b || !scaleB || !scaleY || scaleA.data.length !== 1) return null;
  const data = integerProducts(a, b, zeroA?.data ?? null, zeroB?.data ?? null);
  const { shape, type } = call.output;
  const multipliers = Array.from(scaleB.data, (scale) =>
    multiplierOf(scaleA.data[0]!, scale, scaleY.data[0]!),
  );
  const zeroPoint = zeroY?.data[0] ?? 0;
  return [requantized({ shape, data }, type, { multipliers, zeroPoint, axis: shape.length - 1 })];
};

/** Products of two matrices, turned as transA and transB say, zero points taken off. */
export function gemmProducts(
  { node }: NodeView,
  [a, zeroA]: readonly [OnnxTensor, NumericArray | null],
  [b, zeroB]: readonly [OnnxTensor, NumericArray | null],
): Float64Array {
  const turned = (tensor: OnnxTensor, attribute: string): OnnxTensor =>
    intAttribute(node, attribute, 0) === 0 ? tensor : transpose(tensor, [1, 0]);
  return integerProducts(turned(a, 'transA'), turned(b, 'transB'), zeroA, zeroB);
}

/** alpha A B + beta C: in doubles, rounded to the type once. */
const gemmClear = computes(2, (inputs, { view, output }) => {
  const { node } = view;
  const sums = gemmProducts(view, [inputs[0]!, null], [inputs[1]!, null]);
  const [alpha, beta] = [floatAttribute(node, 'alpha', 1), floatAttribute(node, 'beta', 1)];
  const data = emptyArray(output.type, sums.length);
  const c = inputs[2];
  const added = c === undefined ? null : strided(c, output.shape, broadcastSteps(c.shape, output.shape)).data;
  for (let index = 0; index < data.length; index++)
    data[index] = alpha * sums[index]! + (added === null ? 0 : beta * added[index]!);
  return { ...output, data };
});

const base: Omit<Operator, 'shape' | 'clear'> = { grid: null, folds: 'never', work: productWork };

export const PRODUCTS: Family = new Map([
  ...named('MatMul', {
    shape: product(1, (view) => inputType(view, 0)),
    grid: unbounded,
    bounds: linearBounds,
    clear: matMulClear,
    folds: 'never',
    work: productWork,
  }),
  ...named('MatMulInteger', { ...base, shape: product(1, () => 'int32'), clear: matMulIntegerClear }),
  ...named('QLinearMatMul', {
    ...base,
    shape: product(3, (view) => inputType(view, 7)),
    clear: quantizedClear,
  }),
  ...named('Gemm', {
    shape: gemmShape,
    grid: unbounded,
    bounds: linearBounds,
    clear: gemmClear,
    folds: 'never',
    work: productWork,
  }),
]);
