import { deepFreeze } from '../../compiler/base/freeze.ts';
import type { NetworkPlan } from '../../compiler/network/plan.ts';
import { buildNetworkProgram } from '../../compiler/network/program.ts';
import { networkView } from '../../compiler/network/view.ts';
import { commitmentOf } from '../frontend/planDigest.ts';
import type { Blind } from '../frontend/planDigest.ts';
import { NETWORK_PLAN_VERSION } from '../frontend/planVersion.ts';
import { digestedNetwork } from './clientNetwork.ts';
import type { ClientNetwork } from './clientNetwork.ts';
import type { NetworkPort } from './port.ts';

/** A compiled network with how its input and output look outside. */
export interface StoredNetwork {
  /** The discriminant beside plans of convolutions, which have none. */
  readonly kind: 'network';
  /** The network, its weights included. */
  readonly plan: NetworkPlan;
  /** How the model's input becomes integers. */
  readonly port: NetworkPort;
  /** Name of the output tensor. */
  readonly output: string;
  /** Kept from clients, so that the digest confirms no guess of the weights; null for none. */
  readonly blind: Blind;
  /** SHA-256 of the blind and the plan, 64 lowercase hex digits; clients are told. */
  readonly commitment: string;
  /** Names the network, in both its files: 64 lowercase hex digits. */
  readonly digest: string;
}

export const NETWORK_PLAN_FORMAT = 'cipherconv-network-plan';

/** Whether parsed JSON says that it is the plan of a network of one round. */
export function looksLikeNetworkPlan(value: unknown): boolean {
  return (
    typeof value === 'object' && value !== null && 'format' in value && value.format === NETWORK_PLAN_FORMAT
  );
}

/** A network before its digest is known. */
export type NetworkCore = Pick<StoredNetwork, 'plan' | 'port' | 'output' | 'blind'>;

/** A compiled network under its digest: of what clients need and, behind a commitment, of the rest (planDigest.ts). */
export function storeNetwork({ plan, port, output, blind }: NetworkCore): StoredNetwork {
  const commitment = commitmentOf(
    { format: NETWORK_PLAN_FORMAT, version: NETWORK_PLAN_VERSION, plan },
    blind,
  );
  const { digest } = clientOf({ plan, port, output }, commitment);
  return deepFreeze({ kind: 'network', plan, port, output, blind, commitment, digest });
}

/** The client's part of a stored network. */
export function clientNetworkOf(stored: StoredNetwork): ClientNetwork {
  return clientOf(stored, stored.commitment);
}

function clientOf({ plan, port, output }: Omit<NetworkCore, 'blind'>, commitment: string): ClientNetwork {
  const program = buildNetworkProgram(plan.spec, plan.parameters.degree, plan.layout);
  return digestedNetwork({ view: networkView(plan, program), port, output }, commitment);
}
