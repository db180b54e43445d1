import { elementCount } from '../../../../compiler/base/tensor.ts';
import { roundHalfEven } from '../../../../runtime/clear/requantize.ts';
import { floatAttribute } from '../graph/attributes.ts';
import { ELEMENTS } from '../proto/codes.ts';
import type { FoldRule, KnownOutput } from './foldRule.ts';
import { broadcastSteps, strided } from './moves.ts';
import { constantInput, inputName } from '../graph/state.ts';
import type { NodeView } from '../graph/state.ts';
import { emptyArray } from '../proto/tensorProto.ts';
import type { OnnxTensor } from '../types.ts';

/** Arithmetic on constants: rounded to float32, and wrapped, by the arrays that the results are put in. */

function unary(compute: (value: number) => number): FoldRule {
  return {
    arity: 1,
    compute: (_, inputs) => {
      const { type, shape, data: values } = inputs[0]!;
      const data = emptyArray(type, values.length);
      for (let index = 0; index < data.length; index++) data[index] = compute(values[index]!);
      return { type, shape, data };
    },
  };
}

/** All inputs in the output's shape. */
function spread(inputs: readonly OnnxTensor[], { shape }: KnownOutput): OnnxTensor[] {
  return inputs.map((input) => strided(input, shape, broadcastSteps(input.shape, shape)));
}

/** From left to right over all inputs. `compute` is told whether the type is one of integers. */
function variadic(arity: number, compute: (left: number, right: number, whole: boolean) => number): FoldRule {
  return {
    arity,
    compute: (_, inputs, output) => {
      const operands = spread(inputs, output);
      const data = emptyArray(output.type, elementCount(output.shape));
      const whole = ELEMENTS[output.type].kind !== 'float';
      for (let index = 0; index < data.length; index++) {
        data[index] = operands[0]!.data[index]!;
        for (let other = 1; other < operands.length; other++)
          data[index] = compute(data[index]!, operands[other]!.data[index]!, whole);
      }
      return { ...output, data };
    },
  };
}

function comparison(compute: (left: number, right: number) => boolean): FoldRule {
  return {
    arity: 2,
    compute: (_, inputs, output) => {
      const operands = spread(inputs, output);
      const [left, right] = [operands[0]!, operands[1]!];
      const data = new Uint8Array(elementCount(output.shape));
      for (let index = 0; index < data.length; index++)
        data[index] = Number(compute(left.data[index]!, right.data[index]!));
      return { ...output, data };
    },
  };
}

const where: FoldRule = {
  arity: 3,
  compute: (_, inputs, output) => {
    const operands = spread(inputs, output);
    const [condition, yes, no] = [operands[0]!, operands[1]!, operands[2]!];
    const data = emptyArray(output.type, elementCount(output.shape));
    for (let index = 0; index < data.length; index++)
      data[index] = (condition.data[index] === 0 ? no : yes).data[index]!;
    return { ...output, data };
  },
};

/** Bounds of a Clip: inputs since opset 11, attributes before; null for one that is not constant. */
export function clipBounds(view: NodeView): readonly [lo: number | null, hi: number | null] {
  const bound = (index: number, attribute: string, otherwise: number): number | null => {
    if (inputName(view.node, index) === null) return floatAttribute(view.node, attribute, otherwise);
    return constantInput(view, index)?.data[0] ?? null;
  };
  return [bound(1, 'min', -Infinity), bound(2, 'max', Infinity)];
}

const clip: FoldRule = {
  arity: 1,
  compute: (view, inputs) => {
    const [lo, hi] = clipBounds(view);
    if (lo === null || hi === null) return null;
    const { type, shape, data: values } = inputs[0]!;
    return { type, shape, data: values.map((value: number) => Math.min(Math.max(value, lo), hi)) };
  },
};

export const FOLDED_MATH: ReadonlyMap<string, FoldRule> = new Map<string, FoldRule>([
  ['Abs', unary(Math.abs)],
  ['Neg', unary((value) => -value)],
  ['Floor', unary(Math.floor)],
  ['Ceil', unary(Math.ceil)],
  ['Round', unary(roundHalfEven)],
  ['Sqrt', unary(Math.sqrt)],
  ['Exp', unary(Math.exp)],
  ['Log', unary(Math.log)],
  ['Reciprocal', unary((value) => 1 / value)],
  ['Relu', unary((value) => Math.max(value, 0))],
  ['Add', variadic(2, (left, right) => left + right)],
  ['Sub', variadic(2, (left, right) => left - right)],
  ['Mul', variadic(2, (left, right) => left * right)],
  ['Div', variadic(2, (left, right, whole) => (whole ? Math.trunc(left / right) : left / right))],
  ['Pow', variadic(2, (left, right) => left ** right)],
  ['Min', variadic(1, (left, right) => Math.min(left, right))],
  ['Max', variadic(1, (left, right) => Math.max(left, right))],
  ['Sum', variadic(1, (left, right) => left + right)],
  ['Equal', comparison((left, right) => left === right)],
  ['Greater', comparison((left, right) => left > right)],
  ['Less', comparison((left, right) => left < right)],
  ['Where', where],
  ['Clip', clip],
]);
