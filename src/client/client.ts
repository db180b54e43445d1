import { CipherconvError } from '../../compiler/base/errors.ts';
import { outputShape } from '../../compiler/convolution/shape.ts';
import type { Tensor } from '../../compiler/base/tensor.ts';
import { createClient } from '../../runtime/client/client.ts';
import type { Client } from '../../runtime/client/client.ts';
import type { DisposableHandle } from '../../runtime/disposable.ts';
import { messageLengths } from '../../runtime/wire/lengths.ts';
import type { MessageLengths } from '../../runtime/wire/lengths.ts';
import { decodeMessage, encodeMessage, messageBytes } from '../../runtime/wire/message.ts';
import type { ClientPlan } from '../frontend/clientPlan.ts';
import type { Shape4 } from '../frontend/layouts.ts';
import { decodeSecretKey, encodeSecretKey } from './secretKey.ts';

/**
 * Who owns the data, of one plan. Tensors are NCHW, as everywhere in this API, whatever `plan.layout` says: that is how the
 * files of the plan's owner lie, and `nchwOf` and `inLayout` lead there and back. Messages are as they travel.
 */
export interface PlanClient extends DisposableHandle {
  /** The client plan. */
  readonly plan: ClientPlan;
  /** Exact bytes of every upload message. */
  readonly uploadBytes: number;
  /** Exact bytes of every response message. */
  readonly responseBytes: number;
  /** Exact bytes of the message with the evaluation keys; 0 for a plan that needs none. */
  readonly evaluationKeyBytes: number;
  /** Extents of what `encrypt` takes, NCHW. */
  readonly inputShape: Shape4;
  /** Extents of what `decrypt` returns, NCHW. */
  readonly outputShape: Shape4;
  /**
   * The upload message of one input (raw values, NCHW). Every call draws fresh randomness, so that two
   * uploads of one input tell nothing of each other.
   * @throws CipherconvError `shape-mismatch`, or `out-of-range` for a value outside the plan's input range.
   */
  encrypt(input: Tensor): Uint8Array;
  /**
   * The accumulators, NCHW, from a response message.
   * @throws CipherconvError `malformed-message`, `wrong-plan` or `malformed-tensor`. Whether this throws is for the
   * client alone: a server that learns of it learns about the key.
   */
  decrypt(response: Uint8Array): Tensor;
  /**
   * The message with the keys that the server needs for rotations, made at every call; a mere header for a plan that
   * needs none (`evaluationKeyBytes` is 0 then), which servers take and ignore.
   */
  evaluationKeys(): Uint8Array;
  /** The secret key in our own format, for safekeeping: whoever has it reads everything encrypted with it. */
  exportSecretKey(): Uint8Array;
  /**
   * Makes the encryptions of zero that `inputs` inputs will need ahead of time.
   * @throws CipherconvError `unsupported` for a diagonals plan.
   */
  precompute(inputs: number): void;
}

/** How a client is made; everything has a default. */
export interface PlanClientOptions {
  /**
   * A key that `exportSecretKey` gave for this plan. Default: a fresh one. Fresh keys each session are the advice: a key
   * that is kept can be lost, and one that is used for long is worth more to whoever takes it.
   */
  readonly secretKey?: Uint8Array;
}

class SealPlanClient implements PlanClient {
  readonly plan: ClientPlan;
  readonly inputShape: Shape4;
  readonly outputShape: Shape4;
  readonly #client: Client;
  readonly #lengths: MessageLengths;

  constructor(plan: ClientPlan, client: Client) {
    this.plan = plan;
    this.#client = client;
    this.#lengths = messageLengths(plan.view);
    const { input } = plan.view.shape;
    const output = outputShape(plan.view.shape);
    this.inputShape = [input.batch, input.channels, input.height, input.width];
    this.outputShape = [output.batch, output.channels, output.height, output.width];
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
    if (input.shape.join() !== this.inputShape.join() || input.data.length !== product(this.inputShape)) {
      throw new CipherconvError({
        code: 'shape-mismatch',
        where: 'input',
        message: 'the tensor does not have the shape of the plan',
        expected: `[${this.inputShape.join(', ')}] (NCHW)`,
        found: `[${input.shape.join(', ')}], ${input.data.length} values`,
      });
    }
    return encodeMessage('upload', this.plan.digest, this.#client.encrypt(input));
  }

  decrypt(response: Uint8Array): Tensor {
    const { digest } = this.plan;
    const parts = decodeMessage(response, { kind: 'response', digest, lengths: this.#lengths.response });
    return this.#client.decrypt(parts);
  }

  evaluationKeys(): Uint8Array {
    const keys = this.#client.evaluationKeys();
    const parts = this.#lengths.keys.length === 0 ? [] : [keys];
    return encodeMessage('keys', this.plan.digest, parts);
  }

  exportSecretKey(): Uint8Array {
    const ternary = this.#client.secretKey();
    try {
      return encodeSecretKey(this.plan, ternary);
    } finally {
      ternary.fill(0);
    }
  }

  precompute(inputs: number): void {
    this.#client.precompute(inputs * this.#client.ciphertextsPerInput);
  }

  dispose(): void {
    this.#client.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

function product(shape: readonly number[]): number {
  return shape.reduce((all, extent) => all * extent, 1);
}

/**
 * A client of a plan.
 * @throws CipherconvError `plan-rejected` when SEAL does not take the parameters; `malformed-key` or `wrong-plan` for a
 * secret key that is none of this plan.
 */
export async function createPlanClient(
  plan: ClientPlan,
  options: PlanClientOptions = {},
): Promise<PlanClient> {
  const secretKey = options.secretKey === undefined ? null : decodeSecretKey(plan, options.secretKey);
  const client = await createClient(plan.view, secretKey === null ? {} : { secretKey }).finally(() =>
    secretKey?.fill(0),
  );
  try {
    return new SealPlanClient(plan, client);
  } catch (error) {
    client.dispose();
    throw error;
  }
}
