import type { ImportedModel } from '../frontend/imported/model.ts';
import type { ModelGraph } from './modelGraph.ts';
import { OnnxModelGraph } from './onnxModelGraph.ts';

/** The graph of an imported model, whatever its format. */
export function graphOf(model: ImportedModel): ModelGraph {
  return new OnnxModelGraph(model, model.source);
}
