import type { Tensor } from '../../compiler/base/tensor.ts';
import type { DisposableHandle } from '../../runtime/disposable.ts';
import type { ClientNetwork } from '../network/clientNetwork.ts';
import type { Endpoint } from './endpoint.ts';
import { RemoteEvaluations } from './evaluations.ts';
import { requireOptions } from './given.ts';
import { inOrder } from './inOrder.ts';
import type { ManyOptions } from './inOrder.ts';
import { createNetworkClient } from './networkClient.ts';
import type { NetworkClient, NetworkResult } from './networkClient.ts';
import type { InferOptions } from './remotePlan.ts';

export { parseClientNetwork } from '../network/clientNetwork.ts';

/** A client of a network of one round that is served over HTTP. */
export interface RemoteNetwork extends DisposableHandle {
  /** The discriminant: a network that stays encrypted from end to end. */
  readonly kind: 'network';
  /** The client plan, as the server sent it and the digest confirmed it. */
  readonly network: ClientNetwork;
  /** The client itself: byte counts, keys. */
  readonly client: NetworkClient;
  /**
   * Encrypts, has the server compute the whole network, decrypts: one round trip. The first call sends the evaluation keys.
   * @param input as the model's input takes it, [1, ...] or without the batch
   * @returns the model's output, [1, ...]
   * @throws CipherconvError as `NetworkClient.encrypt` and `NetworkClient.decrypt` do, or ServerError; the signal's reason
   * when it aborts.
   */
  infer(input: Tensor, options?: InferOptions): Promise<Tensor>;
  /** `infer`, with the exact integers beside the scores. */
  inferExact(input: Tensor, options?: InferOptions): Promise<NetworkResult>;
  /**
   * `infer` of one input after the other, the outputs in the same order. What an input or a request fails with is thrown in
   * its place, and ends the rest.
   */
  inferMany(
    inputs: Iterable<Tensor> | AsyncIterable<Tensor>,
    options?: ManyOptions,
  ): AsyncGenerator<Tensor, void, undefined>;
}

class HttpRemoteNetwork implements RemoteNetwork {
  readonly kind = 'network';
  readonly client: NetworkClient;
  readonly #evaluations: RemoteEvaluations;

  constructor(client: NetworkClient, endpoint: Endpoint) {
    this.client = client;
    this.#evaluations = new RemoteEvaluations(client, endpoint);
  }

  get network(): ClientNetwork {
    return this.client.network;
  }

  async infer(input: Tensor, options: InferOptions = {}): Promise<Tensor> {
    const { scores } = await this.inferExact(input, options);
    return scores;
  }

  async inferExact(input: Tensor, options: InferOptions = {}): Promise<NetworkResult> {
    requireOptions(options);
    const onStep = options.onStep ?? ((): void => undefined);
    const upload = this.client.encrypt(input);
    onStep({ kind: 'encrypted', bytes: upload });
    const response = await this.#evaluations.evaluate(upload, options.signal ?? null, onStep);
    onStep({ kind: 'answered', bytes: response });
    return this.client.decrypt(response);
  }

  inferMany(
    inputs: Iterable<Tensor> | AsyncIterable<Tensor>,
    options: ManyOptions = {},
  ): AsyncGenerator<Tensor, void, undefined> {
    return inOrder(inputs, (input) => this.infer(input, options), options);
  }

  dispose(): void {
    this.#evaluations.dispose();
    this.client.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** A client of a network at the place where it is served. */
export async function openRemoteNetwork(
  network: ClientNetwork,
  endpoint: Endpoint,
  options: { readonly secretKey?: Uint8Array } = {},
): Promise<RemoteNetwork> {
  return new HttpRemoteNetwork(await createNetworkClient(network, options), endpoint);
}
