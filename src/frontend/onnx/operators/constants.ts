import { contains, datatypeRange } from '../../../../compiler/base/interval.ts';
import { elementCount } from '../../../../compiler/base/tensor.ts';
import { emptyArray } from '../../../interpreter/values.ts';
import type { NumericArray } from '../../../interpreter/values.ts';
import { intAttribute } from '../graph/attributes.ts';
import { inputShape, numbersOf } from '../graph/state.ts';
import type { NodeView } from '../graph/state.ts';
import { ELEMENTS, elementTypeOf, EXTERNAL } from '../proto/codes.ts';
import type { ElementType } from '../proto/codes.ts';
import { decodeTensor } from '../proto/tensorProto.ts';
import { unsupported } from '../refusal.ts';
import type { OnnxTensor } from '../types.ts';
import { sameBounds } from './bounds.ts';
import { facts } from './grids.ts';
import { computes } from './operator.ts';
import type { ClearRule, Family, Operator, ShapeRule, Whole } from './operator.ts';

/** Constants, shapes and types. */

const castShape: ShapeRule = (view) => [
  { type: elementTypeOf(intAttribute(view.node, 'to', 0)), shape: inputShape(view, 0) },
];

/** Floats lose their fraction on the way to integers; integers wrap, as typed arrays do. */
export function converted(input: OnnxTensor, type: ElementType): OnnxTensor {
  const data: NumericArray = emptyArray(type, input.data.length);
  const toBool = type === 'bool';
  for (let index = 0; index < data.length; index++) {
    const value = input.data[index]!;
    data[index] = toBool ? Number(value !== 0) : type === 'int64' ? Math.trunc(value) : value;
  }
  return { type, shape: input.shape, data };
}

/** A cast to integers makes whole numbers of anything; what does not fit the type wraps. */
function castWhole({ node, state }: NodeView, input: Whole): Whole {
  const type = state.values.get(node.outputs[0] ?? '')?.type ?? null;
  if (type === null) return null;
  const { bits, kind } = ELEMENTS[type];
  if (kind === 'float') return input;
  if (kind === 'bool') return null;
  const all = datatypeRange(bits, kind === 'signed');
  const range = input?.range ?? null;
  if (range !== null && contains(all, range)) return { range };
  return { range: bits <= 16 ? all : null };
}

const castClear = computes(1, (inputs, { output }) => converted(inputs[0]!, output.type));

function readAttributeTensor(view: NodeView, value: Parameters<typeof decodeTensor>[0]): OnnxTensor {
  const where = `${view.state.file}: node ${view.node.name}`;
  if (value.dataLocation === EXTERNAL)
    throw unsupported({ where, message: 'not supported yet: attributes with external data' });
  return decodeTensor(value, where, () => {
    throw unsupported({ where, message: 'not supported yet: attributes with external data' });
  });
}

/** The value of a Constant node, in whichever attribute it is; null for strings and sparse tensors. */
function constantValue(view: NodeView): OnnxTensor | null {
  const { attributes } = view.node;
  const tensor = attributes.get('value')?.t;
  if (tensor !== undefined) return readAttributeTensor(view, tensor);
  const [float, floats] = [attributes.get('value_float'), attributes.get('value_floats')];
  const [int, ints] = [attributes.get('value_int'), attributes.get('value_ints')];
  if (float !== undefined) return { type: 'float32', shape: [], data: Float32Array.of(float.f) };
  if (int !== undefined) return { type: 'int64', shape: [], data: Float64Array.of(Number(int.i)) };
  if (floats !== undefined)
    return { type: 'float32', shape: [floats.floats.length], data: Float32Array.from(floats.floats) };
  if (ints !== undefined)
    return { type: 'int64', shape: [ints.ints.length], data: Float64Array.from(ints.ints, Number) };
  return null;
}

const constantOfShapeShape: ShapeRule = (view) => {
  const type: ElementType = elementTypeOf(view.node.attributes.get('value')?.t?.dataType ?? 1) ?? 'float32';
  return [{ type, shape: numbersOf(view, 0) }];
};

const constantOfShapeClear: ClearRule = ({ view, output: { type, shape } }) => {
  const value = view.node.attributes.get('value')?.t;
  const fill = value === undefined ? 0 : (readAttributeTensor(view, value).data[0] ?? 0);
  return [{ type, shape, data: emptyArray(type, elementCount(shape)).fill(fill) }];
};

const shapeShape: ShapeRule = (view) => {
  const shape = inputShape(view, 0);
  const rank = shape?.length ?? null;
  if (rank === null) return [{ type: 'int64', shape: null }];
  return [{ type: 'int64', shape: [shapeSlice(view, rank).length] }];
};

/** Axes that Shape (opset 15) tells of. */
function shapeSlice({ node }: NodeView, rank: number): number[] {
  const clamp = (axis: number): number => Math.min(Math.max(axis < 0 ? axis + rank : axis, 0), rank);
  const start = clamp(intAttribute(node, 'start', 0));
  const end = clamp(intAttribute(node, 'end', rank));
  return Array.from({ length: Math.max(0, end - start) }, (_, index) => start + index);
}

const shapeClear: ClearRule = ({ view, output }) => {
  const shape = inputShape(view, 0);
  if (shape === null) return null;
  const extents = shapeSlice(view, shape.length).map((axis) => shape[axis]!);
  return [{ ...output, data: Float64Array.from(extents) }];
};

const sizeClear: ClearRule = ({ view, output }) => {
  const shape = inputShape(view, 0);
  return shape === null ? null : [{ ...output, data: Float64Array.of(elementCount(shape)) }];
};

const constantClear: ClearRule = ({ view }) => {
  const value = constantValue(view);
  return value === null ? null : [value];
};

const constantShape: ShapeRule = (view) => {
  const value = constantValue(view);
  return [{ type: value?.type ?? null, shape: value?.shape ?? null }];
};

export const CONSTANTS: Family = new Map<string, Operator>([
  ['Constant', { shape: constantShape, grid: null, clear: constantClear, folds: 'shapes' }],
  [
    'ConstantOfShape',
    { shape: constantOfShapeShape, grid: null, clear: constantOfShapeClear, folds: 'values' },
  ],
  ['Shape', { shape: shapeShape, grid: null, clear: shapeClear, folds: 'shapes' }],
  ['Size', { shape: () => [{ type: 'int64', shape: [] }], grid: null, clear: sizeClear, folds: 'shapes' }],
  [
    'Cast',
    {
      shape: castShape,
      grid: facts(null, (view, [first]) => castWhole(view, first ?? null)),
      bounds: sameBounds,
      clear: castClear,
      folds: 'values',
    },
  ],
]);
