import type { NodeView } from '../graph/state.ts';
import { withinType } from './grids.ts';
import type { Operator } from './operator.ts';

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
}
