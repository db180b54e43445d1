import { z } from 'zod';
import { CipherconvError, disposedError } from '../../compiler/base/errors.ts';
import type { DisposableHandle } from '../../runtime/disposable.ts';
import type { Tensor } from '../../compiler/base/tensor.ts';
import type { ClientPlan } from '../frontend/clientPlan.ts';
import type { PlanClient } from './client.ts';
import type { Endpoint } from './endpoint.ts';
import { inOrder } from './inOrder.ts';
import type { ManyOptions } from './inOrder.ts';
import { reasonOf, ServerError } from './request.ts';

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

/** Bytes of one call of `infer`, in the order of the kinds; `keys-sent` only when this call sent evaluation keys. */
export interface InferStep {
  /** What was done: the upload was encrypted, evaluation keys were taken by the server, or the response came. */
  readonly kind: 'encrypted' | 'keys-sent' | 'answered';
  /** The whole message. */
  readonly bytes: Uint8Array;
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
   * @throws CipherconvError `unsupported` for a diagonals plan; `usage` for what is no whole number of at least 0.
   */
  prepare(inputs: number): void;
}

const KEYS_HEADER = 'Cipherconv-Evaluation-Keys';
const LARGEST_KEY_ANSWER = 2 ** 12;
/** An id as it may stand in a header. */
const keyAnswer = z.object({ id: z.string().regex(/^[\w.~-]{1,256}$/) });

class HttpRemotePlan implements RemotePlan {
  readonly kind = 'plan';
  readonly client: PlanClient;
  readonly #endpoint: Endpoint;
  /** The evaluation keys as they were sent, and the id that the server gave them. */
  #keys: Uint8Array | null = null;
  #keysId: Promise<string> | null = null;
  /** Sending keys is for all calls that wait for it, so no single one of them can stop it. */
  readonly #disposed = new AbortController();

  constructor(client: PlanClient, endpoint: Endpoint) {
    this.client = client;
    this.#endpoint = endpoint;
  }

  get plan(): ClientPlan {
    return this.client.plan;
  }

  async infer(input: Tensor, options: InferOptions = {}): Promise<Tensor> {
    const signal = options.signal ?? null;
    const onStep = options.onStep ?? ((): void => undefined);
    const exchange = this.client.begin(input);
    try {
      onStep({ kind: 'encrypted', bytes: exchange.upload });
      const response = await this.#evaluate(exchange.upload, signal, onStep);
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

  async #evaluate(
    upload: Uint8Array,
    signal: AbortSignal | null,
    onStep: (step: InferStep) => void,
  ): Promise<Uint8Array> {
    if (this.client.evaluationKeyBytes === 0) return this.#post(upload, {}, signal);
    const used = this.#sendKeys(onStep);
    try {
      return await this.#post(upload, { [KEYS_HEADER]: await unlessAborted(used, signal) }, signal);
    } catch (error) {
      if (!saysKeysUnknown(error)) throw error;
      // The server has dropped the keys. Someone else may have sent them again meanwhile.
      if (this.#keysId === used) this.#keysId = null;
      const id = await unlessAborted(this.#sendKeys(onStep), signal);
      return await this.#post(upload, { [KEYS_HEADER]: id }, signal);
    }
  }

  #post(
    upload: Uint8Array,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal | null,
  ): Promise<Uint8Array> {
    const limitBytes = this.client.responseBytes;
    return this.#endpoint.send({
      method: 'POST',
      path: '/evaluate',
      headers,
      body: upload,
      limitBytes,
      signal,
    });
  }

  /** Sends the keys unless the server has them; the same bytes every time. */
  #sendKeys(onStep: (step: InferStep) => void): Promise<string> {
    if (this.#keysId !== null) return this.#keysId;
    const sending = this.#putKeys(onStep);
    this.#keysId = sending;
    sending.catch(() => {
      if (this.#keysId === sending) this.#keysId = null;
    });
    return sending;
  }

  async #putKeys(onStep: (step: InferStep) => void): Promise<string> {
    this.#keys ??= this.client.evaluationKeys();
    const request = { method: 'PUT', path: '/evaluation-keys', headers: {}, body: this.#keys } as const;
    const { signal } = this.#disposed;
    const bytes = await this.#endpoint.send({ ...request, limitBytes: LARGEST_KEY_ANSWER, signal });
    const answer = keyAnswer.safeParse(parsedJson(bytes));
    if (answer.success) {
      onStep({ kind: 'keys-sent', bytes: this.#keys });
      return answer.data.id;
    }
    throw new CipherconvError({
      code: 'server',
      where: 'evaluation keys',
      message: 'the server did not answer with an id for the evaluation keys',
      expected: '{ "id": "..." }',
    });
  }

  dispose(): void {
    this.#disposed.abort(disposedError('client'));
    this.client.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** What `work` gives, or the reason of `signal` as soon as that aborts. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | null): Promise<T> {
  if (signal === null) return await work;
  signal.throwIfAborted();
  let stop = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => {
      reject(reasonOf(signal));
    };
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

function parsedJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return null;
  }
}

/** 404 or 410 with a problem of this type. */
function saysKeysUnknown(error: unknown): boolean {
  if (!(error instanceof ServerError) || (error.status !== 404 && error.status !== 410)) return false;
  return error.problemType !== null && /(^|[:/#])unknown-evaluation-keys$/.test(error.problemType);
}

/** The client of a plan, at the place where the plan is served. It takes over `client`. */
export function remotePlan(client: PlanClient, endpoint: Endpoint): RemotePlan {
  return new HttpRemotePlan(client, endpoint);
}
