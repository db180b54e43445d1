import type { ImportedLayer } from '../frontend/imported/types.ts';
import type { ModelLayer } from './modelPlan.ts';

/** Where the graph is cut at a layer: what goes in, what comes out. */
export type LayerEnds = Pick<ModelLayer, 'input' | 'output'>;

/**
 * The ends of a layer: the integers before a DequantizeLinear, and behind the QuantizeLinear that follows, if one does. Then
 * the client requantizes accumulators by one multiplication, and the floats in between do not exist.
 */
export function layerEnds({ input, output }: ImportedLayer): LayerEnds {
  if (output.kind !== 'scaled') return { input, output };
  const { kind, tensor, type, shape, scales, bias, requantized } = output;
  return { input, output: requantized ?? { kind, tensor, type, shape, scales, bias } };
}
