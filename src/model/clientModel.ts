import type { ClientPlan } from '../frontend/clientPlan.ts';
import type { LayerCut, ModelFlow } from './modelFlow.ts';

/** A layer as the client knows it: no weight, but what encrypting its input and decrypting its result need. */
export interface ClientLayer extends LayerCut {
  /** The client's part of the layer's plan. */
  readonly client: ClientPlan;
}

/** The client's part of a compiled model: everything but the weights of the encrypted layers. */
export type ModelClientFlow = ModelFlow<ClientLayer>;

/** The client plan of a model. */
export interface ClientModel extends ModelClientFlow {
  /** Names the model, in all its files: 64 lowercase hex digits. */
  readonly digest: string;
}
