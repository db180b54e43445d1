import { clipBounds } from '../operators/activations.ts';
import { isQuantizer, quantizerOf } from '../operators/quantizers.ts';
import type { Quantizer } from '../operators/quantizers.ts';
import type { GraphState } from '../graph/state.ts';
import type { GraphNode } from '../types.ts';
import type { RequantizedOutput } from '../../imported/types.ts';

/** Who reads each tensor; the graph's own outputs count as readers that are no node. */
export interface Readers {
  readonly nodes: ReadonlyMap<string, readonly GraphNode[]>;
  readonly outputs: ReadonlySet<string>;
}

/**
 * The QuantizeLinear behind a layer's float output, if there is nothing else to read that output: then the quantized tensor
 * follows from the accumulator by one multiplication, as in QLinearConv. A Relu or Clip between the two is passed over where
 * it changes nothing that the saturation of the QuantizeLinear does not.
 * @param scales fround(input scale * weight scale) of each output channel
 */
export function requantizedAfter(
  tensor: string,
  scales: readonly number[],
  state: GraphState,
  readers: Readers,
): RequantizedOutput | null {
  const bounds: (readonly [number, number])[] = [];
  let current = tensor;
  for (;;) {
    if (readers.outputs.has(current)) return null;
    const [node, other] = readers.nodes.get(current) ?? [];
    if (node?.inputs[0] !== current || other !== undefined) return null;
    const view = { node, state };
    if (node.op === 'QuantizeLinear' && isQuantizer(view)) {
      const result = quantizerOf(view);
      return result.ok ? requantizedBy(result.quantizer, node, scales, state, bounds) : null;
    }
    if (node.domain !== '') return null;
    const [lo, hi] =
      node.op === 'Relu' ? [0, Infinity] : node.op === 'Clip' ? clipBounds(view) : [null, null];
    if (lo === null || hi === null) return null;
    bounds.push([lo, hi]);
    current = node.outputs[0] ?? '';
  }
}

function requantizedBy(
  { scales: outputScales, zeroPoints, range }: Quantizer,
  node: GraphNode,
  scales: readonly number[],
  state: GraphState,
  bounds: readonly (readonly [number, number])[],
): RequantizedOutput | null {
  const [scale, zeroPoint, tensor] = [outputScales[0], zeroPoints[0], node.outputs[0] ?? ''];
  const value = state.values.get(tensor);
  if (scale === undefined || zeroPoint === undefined || outputScales.length !== 1) return null;
  if (value === undefined || value.type === null || value.shape === null) return null;
  const [least, most] = [(range.lo - zeroPoint) * scale, (range.hi - zeroPoint) * scale];
  if (!bounds.every(([lo, hi]) => lo <= least && hi >= most)) return null;
  return {
    kind: 'requantized',
    tensor,
    type: value.type,
    shape: value.shape,
    requantization: {
      kind: 'qlinear',
      scale: scales.map((product) => Math.fround(product / scale)),
      outputZeroPoint: zeroPoint,
      clamp: range,
    },
  };
}
