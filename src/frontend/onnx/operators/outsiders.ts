import { intAttribute, intsAttribute, textAttribute } from '../graph/attributes.ts';
import { constantInput, inputShape, inputType, normalAxis, numbersOf } from '../graph/state.ts';
import type { NodeView } from '../graph/state.ts';
import type { ElementType } from '../proto/codes.ts';
import { unknown } from './lists.ts';
import { named } from './operator.ts';
import type { Family, Inferred, Operator, ShapeRule, WorkRule } from './operator.ts';
import { attentionWork, einsumWork, recurrentWork } from './work.ts';

/**
 * Operators that run in onnxruntime only. Their shapes are known, so that layers behind them can be encrypted. Those that
 * hide weights are listed in layers/unknownOperators.ts.
 */

type Shape = readonly number[] | null;

function outsider(shape: ShapeRule, work: WorkRule | null = () => 0): Operator {
  return { shape, grid: null, clear: null, folds: 'never', work };
}

function shaped(view: NodeView, shape: Shape, type: ElementType | null = inputType(view, 0)): Inferred[] {
  return [{ type, shape }];
}

const sameAsFirst = outsider((view) => shaped(view, inputShape(view, 0)));
const askOfFirst = outsider((view) => shaped(view, inputShape(view, 0), 'bool'));

/** Y [steps, directions, batch, hidden] and the last states [directions, batch, hidden]; with layout 1 the batch comes first. */
const recurrent = outsider((view) => {
  const shape = inputShape(view, 0);
  const hidden = intAttribute(view.node, 'hidden_size', 0);
  if (shape?.length !== 3 || hidden === 0) return unknown(view);
  const directions = textAttribute(view.node, 'direction', 'forward') === 'bidirectional' ? 2 : 1;
  const type = inputType(view, 0);
  const isBatchFirst = intAttribute(view.node, 'layout', 0) === 1;
  const [first, second] = [shape[0]!, shape[1]!];
  const all = isBatchFirst ? [first, second, directions, hidden] : [first, directions, second, hidden];
  const last = isBatchFirst ? [first, directions, hidden] : [directions, second, hidden];
  return [all, last, last].map((extents) => ({ type, shape: extents }));
}, recurrentWork);

/** Normalized, two that inference leaves out, and the sum of inputs. */
const skipNormalization = outsider((view) => {
  const [type, shape] = [inputType(view, 0), inputShape(view, 0)];
  const none: Inferred = { type: 'float32', shape: null };
  return [{ type, shape }, none, none, { type, shape }];
});

/** [batch, steps, hidden] from identifiers and a table of words. */
const embedding = outsider((view) => {
  const [tokens, words] = [inputShape(view, 0), inputShape(view, 2)];
  const shape = tokens === null || words === null ? null : [...tokens, words[1] ?? 1];
  return [
    { type: inputType(view, 2), shape },
    { type: 'int32', shape: tokens === null ? null : tokens.slice(0, 1) },
  ];
});

/** [batch, steps, hidden] from [batch, steps, input] and weights [input, 3 hidden]. */
const attention = outsider((view) => {
  const [shape, weights] = [inputShape(view, 0), inputShape(view, 1)];
  const columns = weights?.[1] ?? 0;
  const isPlain = intsAttribute(view.node, 'qkv_hidden_sizes') === null && columns % 3 === 0;
  if (shape?.length !== 3 || weights?.length !== 2 || !isPlain) return [{ type: 'float32', shape: null }];
  return [{ type: 'float32', shape: [shape[0]!, shape[1]!, columns / 3] }];
}, attentionWork);

const largest: ShapeRule = (view) => {
  const [shape, type] = [inputShape(view, 0), inputType(view, 0)];
  const count = numbersOf(view, 1)?.[0] ?? intAttribute(view.node, 'k', -1);
  if (shape === null || count < 0)
    return [
      { type, shape: null },
      { type: 'int64', shape: null },
    ];
  const axis = normalAxis(view.node, intAttribute(view.node, 'axis', -1), shape.length);
  const result = shape.map((extent, other) => (other === axis ? count : extent));
  return [
    { type, shape: result },
    { type: 'int64', shape: result },
  ];
};

const gatherOfTuples: ShapeRule = (view) => {
  const [shape, indices] = [inputShape(view, 0), inputShape(view, 1)];
  const batch = intAttribute(view.node, 'batch_dims', 0);
  const length = indices?.at(-1);
  if (shape === null || indices === null || length === undefined) return unknown(view);
  return shaped(view, [...indices.slice(0, -1), ...shape.slice(batch + length)]);
};

const range: ShapeRule = (view) => {
  const [start, limit, step] = [0, 1, 2].map((index) => constantInput(view, index)?.data[0]);
  if (start === undefined || limit === undefined || step === undefined || step === 0) return unknown(view);
  return shaped(view, [Math.max(0, Math.ceil((limit - start) / step))]);
};

/** One letter an axis; an equation without an arrow or with an ellipsis is not read. */
const einsum: ShapeRule = (view) => {
  const equation = textAttribute(view.node, 'equation', '').replaceAll(' ', '');
  const [left, right] = equation.split('->');
  if (left === undefined || right === undefined || equation.includes('.')) return unknown(view);
  const extents = new Map<string, number>();
  for (const [index, letters] of left.split(',').entries()) {
    const shape = inputShape(view, index);
    if (shape?.length !== letters.length) return unknown(view);
    shape.forEach((extent, axis) => extents.set(letters[axis]!, extent));
  }
  const result = Array.from(right, (letter) => extents.get(letter));
  return shaped(view, result.every((extent) => extent !== undefined) ? result : null);
};

/** [regions, channels, height, width] */
const regions: ShapeRule = (view) => {
  const [shape, boxes] = [inputShape(view, 0), inputShape(view, 1)];
  if (shape === null || boxes === null) return unknown(view);
  const extent = (name: string): number => intAttribute(view.node, name, 1);
  return shaped(view, [boxes[0] ?? 1, shape[1] ?? 1, extent('output_height'), extent('output_width')]);
};

/** [batch, channels, ...] of the input at the places of the grid [batch, ..., axes]. */
const sampled: ShapeRule = (view) => {
  const [shape, grid] = [inputShape(view, 0), inputShape(view, 1)];
  return shaped(view, shape === null || grid === null ? null : [...shape.slice(0, 2), ...grid.slice(1, -1)]);
};

/** How many there are is not known before they are computed. */
const countedAtRun = outsider(() => [{ type: 'int64', shape: null }], null);

export const OUTSIDERS: Family = new Map<string, Operator>([
  ...named('LSTM GRU RNN', recurrent),
  ...named(
    'ScatterND ScatterElements Scatter Trilu ReverseSequence SimplifiedLayerNormalization',
    sameAsFirst,
  ),
  ...named('IsNaN IsInf', askOfFirst),
  ...named('NonZero NonMaxSuppression', countedAtRun),
  ['GatherElements', outsider((view) => shaped(view, inputShape(view, 1)))],
  ['TopK', outsider(largest)],
  ['GatherND', outsider(gatherOfTuples)],
  ['Range', outsider(range)],
  ['Einsum', outsider(einsum, einsumWork)],
  // How many places of a region it looks at follows from the values.
  ['RoiAlign', outsider(regions, null)],
  ['GridSample', outsider(sampled)],
]);

/** Of com.microsoft. */
export const CONTRIB_OUTSIDERS: Family = new Map<string, Operator>([
  ['DynamicQuantizeLSTM', recurrent],
  ...named('SkipLayerNormalization SkipSimplifiedLayerNormalization', skipNormalization),
  ...named('FastGelu BiasGelu QuickGelu RotaryEmbedding SimplifiedLayerNormalization', sameAsFirst),
  ['EmbedLayerNormalization', embedding],
  ...named('Attention QAttention', attention),
]);
