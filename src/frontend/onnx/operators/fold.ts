import { elementCount } from '../../../../compiler/base/tensor.ts';
import { intAttribute } from '../graph/attributes.ts';
import { EXTERNAL } from '../proto/codes.ts';
import type { ElementType } from '../proto/codes.ts';
import { FOLDED_MATH } from './foldMath.ts';
import type { FoldRule } from './foldRule.ts';
import { broadcastSteps, concatenate, gather, reshaped, strided, stridesOf, transpose } from './moves.ts';
import { unsupported } from '../refusal.ts';
import { shapeSlice } from './shapes.ts';
import { permutationOf, sliceOf } from './shapesMove.ts';
import { contradiction, inputShape, normalAxis } from '../graph/state.ts';
import type { NodeView } from '../graph/state.ts';
import { decodeTensor, emptyArray } from '../proto/tensorProto.ts';
import type { NumericArray, OnnxTensor } from '../types.ts';

const sameData: FoldRule = {
  arity: 1,
  compute: (_, inputs, { shape }) => reshaped(inputs[0]!, shape),
};

const transposed: FoldRule = {
  arity: 1,
  compute: (view, inputs) => transpose(inputs[0]!, permutationOf(view, inputs[0]!.shape.length)),
};

const expanded: FoldRule = {
  arity: 2,
  compute: (_, inputs, { shape }) => strided(inputs[0]!, shape, broadcastSteps(inputs[0]!.shape, shape)),
};

const sliced: FoldRule = {
  arity: 1,
  compute: (view, inputs, { shape }) => {
    const input = inputs[0]!;
    const parts = sliceOf(view, input.shape);
    if (parts === null) return null;
    const strides = stridesOf(input.shape);
    const start = parts.reduce((sum, part, axis) => sum + part.start * strides[axis]!, 0);
    const steps = parts.map(({ step }, axis) => step * strides[axis]!);
    return strided(input, shape, steps, start);
  },
};

const concatenated: FoldRule = {
  arity: 1,
  compute: (view, inputs, { shape }) => {
    const axis = normalAxis(view.node, intAttribute(view.node, 'axis', 1), shape.length);
    return concatenate(inputs, axis, shape);
  },
};

const gathered: FoldRule = {
  arity: 2,
  compute: (view, inputs, { shape }) => {
    const [input, indices] = [inputs[0]!, inputs[1]!];
    const axis = normalAxis(view.node, intAttribute(view.node, 'axis', 0), input.shape.length);
    const extent = input.shape[axis]!;
    const wrong = indices.data.find((index: number) => index < -extent || index >= extent);
    if (wrong !== undefined) {
      const expected = `within [${-extent}, ${extent - 1}]`;
      contradiction(view.node, 'an index is out of range', expected, String(wrong));
    }
    return gather(input, indices, axis, shape);
  },
};

/** How one of the operators that move elements moves them. */
const MOVES: ReadonlyMap<string, FoldRule> = new Map([
  ...['Identity', 'Dropout', 'Reshape', 'Flatten', 'Squeeze', 'Unsqueeze'].map(
    (op) => [op, sameData] as const,
  ),
  ['Transpose', transposed],
  ['Expand', expanded],
  ['Slice', sliced],
  ['Concat', concatenated],
  ['Gather', gathered],
]);

/** The operators that only move elements: quantized ones move in the same way. */
export function moveOf(view: NodeView): FoldRule | null {
  const { op, domain } = view.node;
  return domain === '' ? (MOVES.get(op) ?? null) : null;
}

const cast: FoldRule = { arity: 1, compute: (_, inputs, { type }) => converted(inputs[0]!, type) };

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

const constantOfShape: FoldRule = {
  arity: 1,
  compute: (view, _, { type, shape }) => {
    const value = view.node.attributes.get('value')?.t;
    const fill = value === undefined ? 0 : (readAttributeTensor(view, value).data[0] ?? 0);
    return { type, shape, data: emptyArray(type, elementCount(shape)).fill(fill) };
  },
};

function readAttributeTensor(view: NodeView, value: Parameters<typeof decodeTensor>[0]): OnnxTensor {
  const where = `${view.state.file}: node ${view.node.name}`;
  if (value.dataLocation === EXTERNAL)
    throw unsupported({ where, message: 'not supported yet: attributes with external data' });
  return decodeTensor(value, where, () => {
    throw unsupported({ where, message: 'not supported yet: attributes with external data' });
  });
}

/** The value of a Constant node, in whichever attribute it is; null for strings and sparse tensors. */
export function constantValue(view: NodeView): OnnxTensor | null {
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

/** Shape and Size need no values, only the shape of their input. */
export function foldedShape(view: NodeView): OnnxTensor | null {
  const shape = inputShape(view, 0);
  if (view.node.domain !== '' || shape === null) return null;
  if (view.node.op === 'Size')
    return { type: 'int64', shape: [], data: Float64Array.of(elementCount(shape)) };
  if (view.node.op !== 'Shape') return null;
  const extents = shapeSlice(view, shape.length).map((axis) => shape[axis]!);
  return { type: 'int64', shape: [extents.length], data: Float64Array.from(extents) };
}

/** The rule that folds a node's operator, or null. Quantizing nodes are folded where their integers are made. */
export function foldRuleOf(view: NodeView): FoldRule | null {
  const { op, domain } = view.node;
  if (domain !== '') return null;
  if (op === 'Cast') return cast;
  if (op === 'ConstantOfShape') return constantOfShape;
  return moveOf(view) ?? FOLDED_MATH.get(op) ?? null;
}
