import { buildNetworkProgram } from '../../compiler/network/program.ts';
import { networkView } from '../../compiler/network/view.ts';
import { createNetworkEvaluator } from '../../runtime/network/evaluator.ts';
import type { NetworkEvaluator } from '../../runtime/network/evaluator.ts';
import { networkMessageForm } from '../../runtime/network/messages.ts';
import type { MessageForm, MessageLengths } from '../../runtime/wire/lengths.ts';
import { decodeMessage, encodeMessage, messageBytes } from '../../runtime/wire/message.ts';
import { encodeClientNetwork } from '../network/clientNetwork.ts';
import { clientNetworkOf } from '../network/networkPlan.ts';
import type { StoredNetwork } from '../network/networkPlan.ts';
import { missingKeys } from './planServer.ts';
import type { PlanServer, PlanService } from './planServer.ts';

/** A network of one round as servers have it: one upload, one response, as for a single plan. */

/** How its messages look. */
export function networkForm({ plan }: StoredNetwork): MessageForm {
  const program = buildNetworkProgram(plan.spec, plan.parameters.degree, plan.layout);
  return networkMessageForm(networkView(plan, program));
}

/** What is said of a network; loads no SEAL. */
export function describeNetwork(stored: StoredNetwork, { lengths }: MessageForm): PlanService {
  return {
    digest: stored.digest,
    name: stored.plan.spec.name,
    clientPlanText: encodeClientNetwork(clientNetworkOf(stored)),
    uploadBytes: messageBytes(lengths.upload),
    responseBytes: messageBytes(lengths.response),
    evaluationKeyBytes: lengths.keys.length === 0 ? 0 : messageBytes(lengths.keys),
  };
}

class SealNetworkServer implements PlanServer {
  readonly digest: string;
  readonly name: string;
  readonly clientPlanText: string;
  readonly uploadBytes: number;
  readonly responseBytes: number;
  readonly evaluationKeyBytes: number;
  readonly #lengths: MessageLengths;
  readonly #evaluator: NetworkEvaluator;
  /** The message of the keys that are loaded: a client that asks again brings the same ones. */
  #keys: Uint8Array | null = null;

  constructor(service: PlanService, lengths: MessageLengths, evaluator: NetworkEvaluator) {
    this.digest = service.digest;
    this.name = service.name;
    this.clientPlanText = service.clientPlanText;
    this.uploadBytes = service.uploadBytes;
    this.responseBytes = service.responseBytes;
    this.evaluationKeyBytes = service.evaluationKeyBytes;
    this.#lengths = lengths;
    this.#evaluator = evaluator;
  }

  evaluate(upload: Uint8Array, keys?: Uint8Array): Uint8Array {
    const { digest } = this;
    const parts = decodeMessage(upload, { kind: 'upload', digest, lengths: this.#lengths.upload });
    if (keys !== undefined) this.checkEvaluationKeys(keys);
    else if (this.evaluationKeyBytes > 0) missingKeys(this.evaluationKeyBytes);
    return encodeMessage('response', digest, this.#evaluator.evaluate(parts));
  }

  checkEvaluationKeys(keys: Uint8Array): void {
    if (this.#keys !== null && Buffer.compare(this.#keys, keys) === 0) return;
    this.#keys = null;
    const expected = { kind: 'keys', digest: this.digest, lengths: this.#lengths.keys } as const;
    for (const part of decodeMessage(keys, expected)) this.#evaluator.loadEvaluationKeys(part);
    this.#keys = keys.slice();
  }

  dispose(): void {
    this.#evaluator.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/**
 * Prepares a network for evaluation in this thread. It must come from `parseNetworkPlan` or a compile, which prove it.
 * @throws CipherconvError `plan-rejected` when SEAL does not take the plan's parameters.
 */
export async function createNetworkServer(stored: StoredNetwork): Promise<PlanServer> {
  const form = networkForm(stored);
  const evaluator = await createNetworkEvaluator(stored.plan);
  return new SealNetworkServer(describeNetwork(stored, form), form.lengths, evaluator);
}
