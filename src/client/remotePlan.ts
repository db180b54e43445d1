import type { DisposableHandle } from '../../runtime/disposable.ts';
import type { Tensor } from '../../compiler/base/tensor.ts';
import type { ClientPlan } from '../frontend/clientPlan.ts';
import type { PlanClient } from './client.ts';
import type { Endpoint } from './endpoint.ts';
import { RemoteEvaluations } from './evaluations.ts';
import type { InferStep } from './evaluations.ts';
import { requireOptions } from './given.ts';
import { inOrder } from './inOrder.ts';
import type { ManyOptions } from './inOrder.ts';

/** Of one call of `infer`. */
export interface InferOptions {
  /** Aborts the requests of this call; for a deadline, `AbortSignal.timeout(ms)`. */
  readonly signal?: AbortSignal;
  /** Told what was made, sent or received as soon as it is, to show or to time; the bytes are not its own to change. */
  readonly onStep?: (step: InferStep) => void;
  /**
   * Told the noise budget that the answer has left, bits, which is measured only where this is given; null where nothing came
   * back encrypted. For the client's eyes alone: never to be sent to the server.
   */
  readonly onNoiseBudget?: (bits: number | null) => void;
}

/** A client of a plan that is served over HTTP. */
export interface RemotePlan extends DisposableHandle {
  /** The discriminant: one convolution. */
  readonly kind: 'plan';
  /** The client plan, as the server sent it and the digest confirmed it. */
  readonly plan: ClientPlan;
  /** The client itself: shapes, byte counts, keys. */
  readonly client: PlanClient;
  /**
   * Encrypts, has the server evaluate, decrypts. Tensors are NCHW. What is sent is encrypted once: another
   * try sends the same bytes, and nothing that decryption shows ever goes back to the server.
   * @throws CipherconvError as `PlanClient.encrypt` and `PlanClient.decrypt` do, or ServerError; the signal's reason when
   * it aborts.
   */
  infer(input: Tensor, options?: InferOptions): Promise<Tensor>;
  /**
   * `infer` of one input after the other, the outputs in the same order. The next ones are encrypted while the server works.
   * What an input or a request fails with is thrown in its place, and ends the rest.
   */
  inferMany(
    inputs: Iterable<Tensor> | AsyncIterable<Tensor>,
    options?: ManyOptions,
  ): AsyncGenerator<Tensor, void, undefined>;
  /**
   * Makes what the next `inputs` inferences need before their inputs are there: with hints one-time keys, otherwise
   * encryptions of zero. Blocks the thread.
   * @throws CipherconvError `unsupported` for a diagonals plan; `usage` for what is no whole number from 0 to 1,000.
   */
  prepare(inputs: number): void;
}

class HttpRemotePlan implements RemotePlan {
  readonly kind = 'plan';
  readonly client: PlanClient;
  readonly #evaluations: RemoteEvaluations;

  constructor(client: PlanClient, endpoint: Endpoint) {
    this.client = client;
    this.#evaluations = new RemoteEvaluations(client, endpoint);
  }

  get plan(): ClientPlan {
    return this.client.plan;
  }

  async infer(input: Tensor, options: InferOptions = {}): Promise<Tensor> {
    requireOptions(options);
    const signal = options.signal ?? null;
    const onStep = options.onStep ?? ((): void => undefined);
    const exchange = this.client.begin(input);
    try {
      onStep({ kind: 'encrypted', bytes: exchange.upload });
      const response = await this.#evaluations.evaluate(exchange.upload, signal, onStep);
      onStep({ kind: 'answered', bytes: response });
      options.onNoiseBudget?.(exchange.noiseBudgetBits(response));
      return exchange.decrypt(response);
    } finally {
      exchange.end();
    }
  }

  inferMany(
    inputs: Iterable<Tensor> | AsyncIterable<Tensor>,
    options: ManyOptions = {},
  ): AsyncGenerator<Tensor, void, undefined> {
    return inOrder(inputs, (input) => this.infer(input, options), options);
  }

  prepare(inputs: number): void {
    this.client.prepare(inputs);
  }

  dispose(): void {
    this.#evaluations.dispose();
    this.client.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** The client of a plan, at the place where the plan is served. It takes over `client`. */
export function remotePlan(client: PlanClient, endpoint: Endpoint): RemotePlan {
  return new HttpRemotePlan(client, endpoint);
}
