import { describeNode } from '../graph/attributes.ts';
import type { NodeView } from '../graph/state.ts';
import { wholesWithin } from './bounds.ts';
import { withinType } from './grids.ts';
import type { BoundsRule, Operator } from './operator.ts';
import { isQuantizer, linearAffine, quantizerOf } from './quantizers.ts';

/** Notes which outputs hold integers, or a scale times integers, and in which range; constants are folded already. */
export function annotate(view: NodeView, operator: Operator | null): void {
  const { node, state } = view;
  const known = operator?.grid?.(view) ?? [];
  for (const [index, { quantized, whole }] of known.entries()) {
    const output = node.outputs[index] ?? '';
    if (output === '') continue;
    if (quantized !== null) state.quantized.set(output, quantized);
    if (whole !== null && !state.constants.has(output))
      state.wholes.set(output, withinType(state, output, whole.range));
  }
  if (operator?.bounds !== undefined) noteBounds(view, operator.bounds);
  noteOffGrid(view);
}

/** An interval of all values is one of the whole numbers among them, where nothing narrower is known. */
function noteBounds(view: NodeView, rule: BoundsRule): void {
  const { node, state } = view;
  const output = node.outputs[0] ?? '';
  if (output === '' || state.constants.has(output)) return;
  const range = state.wholes.get(output);
  if (range !== undefined && range !== null) return;
  const bounds = rule(view);
  if (bounds === null) return;
  if (range === null) state.wholes.set(output, withinType(state, output, wholesWithin(bounds)));
  else state.bounds.set(output, bounds);
}

/** Why outputs are no quantized floats, where their inputs were, or where the node was to make them so. */
function noteOffGrid(view: NodeView): void {
  const { node, state } = view;
  const reason = offGridReason(view);
  if (reason === null) return;
  for (const output of node.outputs) {
    const isKnown = state.quantized.has(output) || state.wholes.has(output) || state.constants.has(output);
    if (output !== '' && !isKnown) state.offGrid.set(output, reason);
  }
}

function offGridReason(view: NodeView): string | null {
  const { node, state } = view;
  const who = describeNode(node);
  if (node.op === 'DequantizeLinear') {
    const affine = linearAffine(view);
    return typeof affine === 'string' ? `${who}: ${affine}` : null;
  }
  if (isQuantizer(view)) {
    const result = quantizerOf(view);
    return result.ok ? null : `${who}: ${result.reason}`;
  }
  const before = node.inputs.find((name) => state.quantized.has(name) || state.offGrid.has(name));
  if (before === undefined) return null;
  return state.offGrid.get(before) ?? `${who} leaves the grid of ${JSON.stringify(before)}`;
}
