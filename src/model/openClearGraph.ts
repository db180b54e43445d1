import type { ClearGraph } from './clearGraph.ts';
import type { ClearModel } from './clearModel.ts';
import { OnnxGraph } from './onnxGraph.ts';
import { TfliteGraph } from './tfliteGraph.ts';

/** @param inputs names of tensors that are given at run time, where the model does not declare them */
export function openClearGraph(model: ClearModel, inputs: readonly string[]): ClearGraph {
  switch (model.format) {
    case 'onnx':
      return new OnnxGraph(model, inputs);
    case 'tflite':
      return new TfliteGraph(model);
  }
}
