import { broadcastSteps, strided } from '../../../interpreter/moves.ts';
import { dequantized, multiplierOf, quantized, requantized } from '../../../interpreter/quantize.ts';
import { floatAttribute, intAttribute } from '../graph/attributes.ts';
import { inputName, inputType } from '../graph/state.ts';
import type { NodeView } from '../graph/state.ts';
import { isQuantizedType } from '../proto/codes.ts';
import type { OnnxTensor } from '../types.ts';
import { ACTIVATIONS } from './activations.ts';
import { ARITHMETIC } from './arithmetic.ts';
import { NORMALIZATION } from './normalization.ts';
import { named } from './operator.ts';
import type { Call, ClearRule, Family, Operator, ShapeRule, WorkRule } from './operator.ts';
import { POOLS } from './pools.ts';
import { gemmExtents, gemmProducts } from './products.ts';
import { LINEAR_QUANTIZERS } from './quantization.ts';
import { REDUCTIONS } from './reductions.ts';
import { SELECTIONS } from './selections.ts';
import { productWork } from './work.ts';

/**
 * Operators of the domain com.microsoft. A quantized one is a standard one between quantizers:
 *
 *   y = saturate(rne(rn(f(rn((a - za) sa), ...) / sy)) + zy)
 *
 * onnxruntime's own kernels round otherwise here and there: with tables, with the ratio of two scales, or with the zero
 * point inside the rounding.
 */

/** Positions of an operand, its scale and its zero point among the inputs. */
type Triple = readonly [value: number, scale: number, zeroPoint: number];

/** How a standard operator's operands and output lie among the inputs. */
interface Places {
  readonly operands: (view: NodeView) => readonly Triple[];
  readonly output: readonly [scale: number, zeroPoint: number];
}

const UNARY: Places = { operands: () => [[0, 1, 2]], output: [3, 4] };
const BINARY: Places = {
  operands: () => [
    [0, 1, 2],
    [3, 4, 5],
  ],
  output: [6, 7],
};
/** The output's come first, then as many operands as there are. */
const LIST: Places = {
  operands: ({ node }) =>
    Array.from({ length: Math.floor((node.inputs.length - 2) / 3) }, (_, index): Triple => {
      const first = 2 + 3 * index;
      return [first, first + 1, first + 2];
    }),
  output: [0, 1],
};

/** The node as the standard operator has it: operands only. */
function plainView(view: NodeView, { operands }: Places): NodeView {
  const inputs = operands(view).map(([value]) => inputName(view.node, value) ?? '');
  return { ...view, node: { ...view.node, inputs } };
}

/** A standard operator between quantizers. */
function quantizedForm(standard: Operator | undefined, places: Places): Operator {
  const shape: ShapeRule = (view) => {
    const [first] = standard?.shape(plainView(view, places)) ?? [];
    const [value = 0] = places.operands(view)[0] ?? [];
    const type = inputType(view, places.output[1]) ?? inputType(view, value);
    return [{ type, shape: first?.shape ?? null }];
  };
  const clear = (call: Call): readonly OnnxTensor[] | null => {
    const { view, output } = call;
    const operands = places.operands(view).map((triple) => floats(call, triple));
    const [scale, zeroPoint] = places.output.map((index) => call.inputs[index] ?? null);
    if (operands.includes(null) || scale?.data.length !== 1 || !isQuantizedType(output.type)) return null;
    const float = { type: 'float32', shape: output.shape } as const;
    const inner: Call = { view: plainView(view, places), inputs: operands, output: float, outputs: [float] };
    const [made] = standard?.clear?.(inner) ?? [];
    if (made === undefined) return null;
    const parameters = { scales: scale.data, zeroPoints: zeroPoint?.data ?? null, axis: null, block: null };
    return [quantized(made, output.type, parameters)];
  };
  const { work } = standard ?? {};
  const products =
    work == null
      ? {}
      : { work: ((view, outputs) => work(plainView(view, places), outputs)) satisfies WorkRule };
  return { shape, grid: null, clear, folds: 'never', ...products };
}

/** rn((q - zero point) scale); null without one constant scale. */
function floats({ inputs }: Call, [value, scale, zeroPoint]: Triple): OnnxTensor | null {
  const [integers, step, zero] = [inputs[value], inputs[scale], inputs[zeroPoint]];
  if (integers === null || integers === undefined || step?.data.length !== 1) return null;
  const parameters = { scales: step.data, zeroPoints: zero?.data ?? null, axis: null, block: null };
  return dequantized(integers, parameters);
}

/** Pools of the layout NCHW; of the other nothing is known. */
function channelsFirst(operator: Operator): Operator {
  const isFirst = ({ node }: NodeView): boolean => intAttribute(node, 'channels_last', 0) === 0;
  return {
    ...operator,
    shape: (view) =>
      isFirst(view)
        ? operator.shape(view)
        : [{ type: inputType(view, 4) ?? inputType(view, 0), shape: null }],
    clear: (call) => (isFirst(call.view) ? (operator.clear?.(call) ?? null) : null),
  };
}

const sameAsFirst: ShapeRule = (view) => [
  { type: inputType(view, 0), shape: view.state.values.get(view.node.inputs[0] ?? '')?.shape ?? null },
];

/** Integers where there is an output scale (input 7), floats otherwise. */
const quantizedGemmShape: ShapeRule = (view) => {
  const type = inputName(view.node, 7) === null ? 'float32' : (inputType(view, 8) ?? 'uint8');
  return [{ type, shape: gemmExtents(view, 0, 3) }];
};

/** saturate(rne(rn(rn(A B + C) rn(rn(rn(alpha sa) sb) / sy))) + zy), or the floats rn(rn(A B + C) rn(rn(alpha sa) sb)). */
const quantizedGemmClear: ClearRule = (call) => {
  const [a, scaleA, zeroA, b, scaleB, zeroB, c, scaleY, zeroY] = call.inputs;
  if (!a || !scaleA || !b || !scaleB || scaleA.data.length !== 1) return null;
  const { shape, type } = call.output;
  const sums = gemmProducts(call.view, [a, zeroA?.data ?? null], [b, zeroB?.data ?? null]);
  if (c) {
    const added = strided(c, shape, broadcastSteps(c.shape, shape)).data;
    for (let index = 0; index < sums.length; index++) sums[index] = sums[index]! + added[index]!;
  }
  const scale = Math.fround(floatAttribute(call.view.node, 'alpha', 1) * scaleA.data[0]!);
  const divisor = scaleY?.data[0] ?? 1;
  const multipliers = Array.from(scaleB.data, (right) => multiplierOf(scale, right, divisor));
  if (scaleY) {
    const zeroPoint = zeroY?.data[0] ?? 0;
    return [requantized({ shape, data: sums }, type, { multipliers, zeroPoint, axis: 1 })];
  }
  const columns = shape[1] ?? 1;
  const data = Float32Array.from(
    sums,
    (sum, index) => Math.fround(sum) * multipliers[multipliers.length === 1 ? 0 : index % columns]!,
  );
  return [{ type, shape, data }];
};

export const CONTRIB: Family = new Map<string, Operator>([
  ['QLinearAdd', quantizedForm(ARITHMETIC.get('Add'), BINARY)],
  ['QLinearMul', quantizedForm(ARITHMETIC.get('Mul'), BINARY)],
  ['QLinearSigmoid', quantizedForm(ACTIVATIONS.get('Sigmoid'), UNARY)],
  ['QLinearLeakyRelu', quantizedForm(ACTIVATIONS.get('LeakyRelu'), UNARY)],
  ['QLinearSoftmax', quantizedForm(NORMALIZATION.get('Softmax'), UNARY)],
  ['QLinearConcat', quantizedForm(SELECTIONS.get('Concat'), LIST)],
  ['QLinearReduceMean', quantizedForm(REDUCTIONS.get('ReduceMean'), UNARY)],
  ['QLinearAveragePool', channelsFirst(quantizedForm(POOLS.get('AveragePool'), UNARY))],
  ['QLinearGlobalAveragePool', channelsFirst(quantizedForm(POOLS.get('GlobalAveragePool'), UNARY))],
  [
    'QGemm',
    { shape: quantizedGemmShape, grid: null, clear: quantizedGemmClear, folds: 'never', work: productWork },
  ],
  ...named('Gelu', { shape: sameAsFirst, grid: null, clear: null, folds: 'never' }),
  ...LINEAR_QUANTIZERS,
]);
