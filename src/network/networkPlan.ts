import type { NetworkPlan } from '../../compiler/network/plan.ts';
import type { NetworkPort } from './inputNodes.ts';

/** A compiled network with how its input and output look outside. */
export interface StoredNetwork {
  readonly plan: NetworkPlan;
  readonly port: NetworkPort;
  /** Name of the output tensor. */
  readonly output: string;
  /** Of its plan file: 64 lowercase hex digits. */
  readonly blind: string | null;
}
