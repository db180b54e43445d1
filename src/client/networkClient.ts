import type { Tensor } from '../../compiler/base/tensor.ts';
import { requireProved } from '../../compiler/network/decode.ts';
import type { DisposableHandle } from '../../runtime/disposable.ts';
import { createNetworkClient as createRuntimeClient } from '../../runtime/network/client.ts';
import type { NetworkClient as RuntimeClient } from '../../runtime/network/client.ts';
import { networkMessageForm } from '../../runtime/network/messages.ts';
import type { MessageLengths } from '../../runtime/wire/lengths.ts';
import { decodeMessage, encodeMessage, messageBytes } from '../../runtime/wire/message.ts';
import type { ClientNetwork } from '../network/clientNetwork.ts';
import { inputLevels, scoresOf } from '../network/port.ts';
import { requireBytes, requireTensor } from './given.ts';
import { decodeSecretKey, encodeSecretKey } from './secretKey.ts';

/** What a network computed of one input. */
export interface NetworkResult {
  /** The exact integers. */
  readonly logits: readonly bigint[];
  /** The model's output, [1, ...]: every logit times the model's scale, as a float32. */
  readonly scores: Tensor;
}

/** Who owns the data, of one network. Messages are as they travel. */
export interface NetworkClient extends DisposableHandle {
  /** The client plan. */
  readonly network: ClientNetwork;
  /** Exact bytes of every upload message. */
  readonly uploadBytes: number;
  /** Exact bytes of every response message. */
  readonly responseBytes: number;
  /** Exact bytes of the message with the evaluation keys; 0 for a network that needs none. */
  readonly evaluationKeyBytes: number;
  /**
   * The upload message of one input, as the model's input takes it: [1, ...], or without the batch. Floats are quantized as
   * the model says. Every call draws fresh randomness.
   * @throws CipherconvError `shape-mismatch`, or `out-of-range` for what is no number or, where the model takes integers,
   * outside its range.
   */
  encrypt(input: Tensor): Uint8Array;
  /**
   * The logits from a response message.
   * @throws CipherconvError `malformed-message`, `wrong-plan` or `malformed-tensor`, or `out-of-range` for a logit that no
   * input gives. Whether this throws is for the client
   * alone: a server that learns of it learns about the key.
   */
  decrypt(response: Uint8Array): NetworkResult;
  /** The message with the keys that the server needs, made at every call. They serve all inputs. */
  evaluationKeys(): Uint8Array;
  /** The secret key in our own format, for safekeeping: whoever has it reads everything encrypted with it. */
  exportSecretKey(): Uint8Array;
}

class SealNetworkClient implements NetworkClient {
  readonly network: ClientNetwork;
  readonly #lengths: MessageLengths;
  readonly #client: RuntimeClient;

  constructor(network: ClientNetwork, client: RuntimeClient) {
    this.network = network;
    this.#lengths = networkMessageForm(network.view).lengths;
    this.#client = client;
  }

  get uploadBytes(): number {
    return messageBytes(this.#lengths.upload);
  }

  get responseBytes(): number {
    return messageBytes(this.#lengths.response);
  }

  get evaluationKeyBytes(): number {
    return this.#lengths.keys.length === 0 ? 0 : messageBytes(this.#lengths.keys);
  }

  encrypt(input: Tensor): Uint8Array {
    requireTensor(input);
    const { port, view, digest } = this.network;
    return encodeMessage('upload', digest, this.#client.encrypt(inputLevels(port, view.input, input)));
  }

  decrypt(response: Uint8Array): NetworkResult {
    requireBytes('response', response);
    const { digest, view } = this.network;
    const lengths = this.#lengths.response;
    const logits = this.#client.decrypt(decodeMessage(response, { kind: 'response', digest, lengths }));
    requireProved(view.name, view.logits, logits);
    return { logits, scores: scoresOf(view.output, logits) };
  }

  evaluationKeys(): Uint8Array {
    const parts = this.#lengths.keys.length === 0 ? [] : [this.#client.evaluationKeys()];
    return encodeMessage('keys', this.network.digest, parts);
  }

  exportSecretKey(): Uint8Array {
    const ternary = this.#client.secretKey();
    try {
      return encodeSecretKey(this.network, ternary);
    } finally {
      ternary.fill(0);
    }
  }

  dispose(): void {
    this.#client.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/**
 * A client of a network.
 * @param network the client plan, which `parseClientNetwork` has checked
 * @throws CipherconvError `malformed-key` or `wrong-plan` for a secret key that is none of this network
 */
export async function createNetworkClient(
  network: ClientNetwork,
  options: { readonly secretKey?: Uint8Array } = {},
): Promise<NetworkClient> {
  const key = options.secretKey === undefined ? null : decodeSecretKey(network, options.secretKey);
  const client = await createRuntimeClient(network.view, key).finally(() => key?.fill(0));
  return new SealNetworkClient(network, client);
}
