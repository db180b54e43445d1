import type { StoredPlan } from '../frontend/planFile.ts';
import type { ClearModel } from './clearModel.ts';
import type { LayerCut, ModelFlow } from './modelFlow.ts';

/** Both sides of a compiled model: enough to run it. */
export interface JoinedModel extends ModelFlow<ModelLayer> {
  /** The whole to compare with; null where the two sides' files were put together, which have not got it. */
  readonly network: ClearModel | null;
}

/** A compiled model: what the client computes, what the server computes, and the whole to compare with. */
export interface ModelPlan extends JoinedModel {
  /** The whole model, weights and all: an encrypted run must equal it, with its layers in integers. */
  readonly network: ClearModel;
}

/** A linear layer that the server computes encrypted. */
export interface ModelLayer extends LayerCut {
  /** The plan of the layer, with its digest. */
  readonly stored: StoredPlan;
}
