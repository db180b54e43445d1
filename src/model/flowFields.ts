import { fromBase64, toBase64 } from '../frontend/base64.ts';
import type { ClearModel } from './clearModel.ts';
import type { LayerCut, ModelFlow } from './modelFlow.ts';
import type { ClearModelFile, FlowFile } from './modelPlanSchema.ts';

/** A graph in the clear, as files have it. */
export function encodeClearModel({ format, bytes }: ClearModel): object {
  return { format, bytes: toBase64(bytes) };
}

export function decodeClearModel({ format, bytes }: ClearModelFile): ClearModel {
  return { format, bytes: fromBase64(bytes) };
}

/** What the files of a model and of its client have in common: everything but what is known of the layers themselves. */
export function flowFields(flow: ModelFlow<LayerCut>): object {
  const { name, inputs, outputs, segments, clear, macs } = flow;
  return {
    name,
    inputs,
    outputs,
    segments: segments.map((segment) =>
      segment === null ? null : { ...segment, model: encodeClearModel(segment.model) },
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
      segment === null ? null : { ...segment, model: decodeClearModel(segment.model) },
    ),
    clear,
    macs,
  };
}
