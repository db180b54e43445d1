import { decodeClearModel, encodeClearModel } from './clearModelFile.ts';
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

/** The same from a file; `file` is its name for messages. */
export function flowOfFile(
  { name, inputs, outputs, segments, clear, macs }: FlowFile,
  file: string,
): Omit<ModelFlow<LayerCut>, 'rounds'> {
  return {
    name,
    inputs,
    outputs,
    segments: segments.map((segment, index) =>
      segment === null
        ? null
        : { ...segment, model: decodeClearModel(segment.model, `${file}: segments[${index}]`) },
    ),
    clear,
    macs,
  };
}
