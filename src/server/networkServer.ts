import { buildNetworkProgram } from '../../compiler/network/program.ts';
import { networkView } from '../../compiler/network/view.ts';
import { createNetworkEvaluator } from '../../runtime/network/evaluator.ts';
import { networkMessageForm } from '../../runtime/network/messages.ts';
import type { MessageForm } from '../../runtime/wire/lengths.ts';
import { encodeClientNetwork } from '../network/clientNetwork.ts';
import { clientNetworkOf } from '../network/networkPlan.ts';
import type { StoredNetwork } from '../network/networkPlan.ts';
import { MessageServer, messageSizes } from './planServer.ts';
import type { PlanServer, PlanService } from './planServer.ts';

/** A network of one round as servers have it: one upload, one response, as for a single plan. */

/** How its messages look. */
export function networkForm({ plan }: StoredNetwork): MessageForm {
  const program = buildNetworkProgram(plan.spec, plan.parameters.degree, plan.layout);
  return networkMessageForm(networkView(plan, program));
}

/** What is said of a network; loads no SEAL. */
export function describeNetwork(stored: StoredNetwork, { lengths }: MessageForm): PlanService {
  const { digest, plan } = stored;
  const clientPlanText = encodeClientNetwork(clientNetworkOf(stored));
  return { digest, name: plan.spec.name, clientPlanText, ...messageSizes(lengths) };
}

/** Keeps the keys that it was given last, since loading them takes longer than evaluating. */
class NetworkMessageServer extends MessageServer {
  /** The message of the keys that are loaded: a client that asks again brings the same ones. */
  #keys: Uint8Array | null = null;

  override checkEvaluationKeys(keys: Uint8Array): void {
    if (this.#keys !== null && Buffer.compare(this.#keys, keys) === 0) return;
    this.#keys = null;
    super.checkEvaluationKeys(keys);
    this.#keys = keys.slice();
  }
}

/**
 * Prepares a network for evaluation in this thread. It must come from `parseNetworkPlan` or a compile, which prove it.
 * @throws CipherconvError `plan-rejected` when SEAL does not take the plan's parameters.
 */
export async function createNetworkServer(stored: StoredNetwork): Promise<PlanServer> {
  const form = networkForm(stored);
  const evaluator = await createNetworkEvaluator(stored.plan);
  return new NetworkMessageServer(describeNetwork(stored, form), form.lengths, evaluator);
}
