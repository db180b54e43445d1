import { fromBase64, toBase64 } from '../frontend/base64.ts';
import type { LayerCut, ModelFlow } from './modelFlow.ts';
import type { FlowFile } from './modelPlanSchema.ts';

/** What the files of a model and of its client have in common: everything but what is known of the layers themselves. */
export function flowFields(flow: ModelFlow<LayerCut>): object {
  const { name, inputs, outputs, segments, clear, macs } = flow;
  return {
    name,
    inputs,
    outputs,
    segments: segments.map((segment) =>
      segment === null ? null : { ...segment, model: toBase64(segment.model) },
    ),
    clear,
    macs,
  };
}

/** What a layer's entry has besides its plan. */
export function cutFields({ name, op, input, arrangement, output }: LayerCut): LayerCut {
  return { name, op, input, arrangement, output };
}

/** The same from a file. */
export function flowOfFile({
  name,
  inputs,
  outputs,
  segments,
  clear,
  macs,
}: FlowFile): Omit<ModelFlow<LayerCut>, 'rounds'> {
  return {
    name,
    inputs,
    outputs,
    segments: segments.map((segment) =>
      segment === null ? null : { ...segment, model: fromBase64(segment.model) },
    ),
    clear,
    macs,
  };
}
