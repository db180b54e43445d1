import type { ImportedModel } from '../frontend/imported/model.ts';
import type { ModelGraph } from './modelGraph.ts';
import { OnnxModelGraph } from './onnxModelGraph.ts';
import { TfliteModelGraph } from './tfliteModelGraph.ts';

/** The graph of an imported model, whatever its format. */
export function graphOf(model: ImportedModel): ModelGraph {
  const { source } = model;
  switch (source.format) {
    case 'onnx':
      return new OnnxModelGraph(model, source);
    case 'tflite':
      return new TfliteModelGraph(model, source);
  }
}
