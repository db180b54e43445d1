import { CipherconvError } from '../../compiler/base/errors.ts';
import { outputShape } from '../../compiler/convolution/shape.ts';
import type { Tensor } from '../../compiler/base/tensor.ts';
import { createClient } from '../../runtime/client/client.ts';
import type { Client } from '../../runtime/client/client.ts';
import { createHintClient, createHintDecryptor } from '../../runtime/client/hintClient.ts';
import type { HintClient } from '../../runtime/client/exchange.ts';
import { messageLengths } from '../../runtime/wire/lengths.ts';
import type { MessageLengths } from '../../runtime/wire/lengths.ts';
import { decodeMessage, encodeMessage, messageBytes } from '../../runtime/wire/message.ts';
import type { ClientPlan } from '../frontend/clientPlan.ts';
import { describeHint, publicSeedOf } from '../frontend/planDigest.ts';
import type { PlanHint } from '../frontend/planDigest.ts';
import type { Shape4 } from '../frontend/layouts.ts';
import { requireBytes, requireTensor } from './given.ts';
import { decodeOneTimeKey, encodeOneTimeKey, oneTimeKeyBytes } from './oneTimeKey.ts';
import type { PlanClient, PlanClientOptions, PlanExchange } from './planClient.ts';
import { decodeSecretKey, encodeSecretKey } from './secretKey.ts';

export type { PlanClient, PlanClientOptions, PlanExchange } from './planClient.ts';

/** The messages of a plan, whoever encrypts. */
class PlanMessages {
  readonly plan: ClientPlan;
  readonly inputShape: Shape4;
  readonly outputShape: Shape4;
  readonly #lengths: MessageLengths;

  constructor(plan: ClientPlan) {
    this.plan = plan;
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

  protected requireShape(input: Tensor): void {
    requireTensor(input);
    if (input.shape.join() === this.inputShape.join() && input.data.length === product(this.inputShape))
      return;
    throw new CipherconvError({
      code: 'shape-mismatch',
      where: 'input',
      message: 'the tensor does not have the shape of the plan',
      expected: `[${this.inputShape.join(', ')}] (NCHW)`,
      found: `[${input.shape.join(', ')}], ${input.data.length} values`,
    });
  }

  protected uploadMessage(parts: readonly Uint8Array[]): Uint8Array {
    return encodeMessage('upload', this.plan.digest, parts);
  }

  protected keysMessage(keys: Uint8Array): Uint8Array {
    return encodeMessage('keys', this.plan.digest, this.#lengths.keys.length === 0 ? [] : [keys]);
  }

  protected responseParts(response: Uint8Array): Uint8Array[] {
    requireBytes('response', response);
    const { digest } = this.plan;
    return decodeMessage(response, { kind: 'response', digest, lengths: this.#lengths.response });
  }
}

/** The standard protocol: one key for many inputs. */
class StandardPlanClient extends PlanMessages implements PlanClient {
  readonly #client: Client;

  constructor(plan: ClientPlan, client: Client) {
    super(plan);
    this.#client = client;
  }

  begin(input: Tensor): PlanExchange {
    return {
      upload: this.encrypt(input),
      decrypt: (response) => this.decrypt(response),
      noiseBudgetBits: (response) => budgetOf(this.#client, this.responseParts(response)),
      exportOneTimeKey: () =>
        refuse('the plan has no hint, so its key is not of one time', 'export the secret key'),
      end: () => undefined,
    };
  }

  encrypt(input: Tensor): Uint8Array {
    this.requireShape(input);
    return this.uploadMessage(this.#client.encrypt(input));
  }

  decrypt(response: Uint8Array): Tensor {
    return this.#client.decrypt(this.responseParts(response));
  }

  evaluationKeys(): Uint8Array {
    return this.keysMessage(this.#client.evaluationKeys());
  }

  exportSecretKey(): Uint8Array {
    const ternary = this.#client.secretKey();
    try {
      return encodeSecretKey(this.plan, ternary);
    } finally {
      ternary.fill(0);
    }
  }

  prepare(inputs: number): void {
    this.#client.precompute(inputs * this.#client.ciphertextsPerInput);
  }

  dispose(): void {
    this.#client.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** Hints: a secret for every inference, and no other. */
class HintPlanClient extends PlanMessages implements PlanClient {
  readonly #client: HintClient;

  constructor(plan: ClientPlan, client: HintClient) {
    super(plan);
    this.#client = client;
  }

  begin(input: Tensor): PlanExchange {
    this.requireShape(input);
    const exchange = this.#client.begin(input);
    return {
      upload: this.uploadMessage(exchange.upload),
      decrypt: (response) => exchange.decrypt(this.responseParts(response)),
      noiseBudgetBits: (response) => budgetOf(exchange, this.responseParts(response)),
      exportOneTimeKey: () => {
        const masks = exchange.resultMasks();
        const bytes = encodeOneTimeKey(this.plan, masks);
        for (const mask of masks) mask.fill(0);
        return bytes;
      },
      end: () => {
        exchange.end();
      },
    };
  }

  encrypt(input: Tensor): Uint8Array {
    this.requireShape(input);
    return refuse(
      'with hints an upload belongs to an exchange, which alone reads its response',
      'call begin',
    );
  }

  decrypt(response: Uint8Array): Tensor {
    this.responseParts(response);
    return refuse(
      'with hints a response is read by the exchange that made its upload',
      'call decrypt of the exchange',
    );
  }

  evaluationKeys(): Uint8Array {
    return this.keysMessage(new Uint8Array(0));
  }

  exportSecretKey(): Uint8Array {
    return refuse('with hints no key serves twice', 'export the one-time key of an exchange');
  }

  prepare(inputs: number): void {
    this.#client.prepare(inputs);
  }

  dispose(): void {
    this.#client.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

function budgetOf(
  measure: { measuredBudgetBits(results: readonly Uint8Array[]): number },
  results: readonly Uint8Array[],
): number | null {
  return results.length === 0 ? null : measure.measuredBudgetBits(results);
}

function refuse(message: string, hint: string): never {
  throw new CipherconvError({ code: 'usage', message, hint });
}

function product(shape: readonly number[]): number {
  return shape.reduce((all, extent) => all * extent, 1);
}

/**
 * A client of a plan.
 * @throws CipherconvError `plan-rejected` for parameters that are refused; `malformed-key` or `wrong-plan` for a secret key or
 * a hint that is none of this plan; `usage` without the hint of a plan that has one.
 */
export async function createPlanClient(
  plan: ClientPlan,
  options: PlanClientOptions = {},
): Promise<PlanClient> {
  if (plan.hint !== null) return new HintPlanClient(plan, await makeHintClient(plan, plan.hint, options));
  const secretKey = options.secretKey === undefined ? null : decodeSecretKey(plan, options.secretKey);
  const client = await createClient(plan.view, secretKey === null ? {} : { secretKey }).finally(() =>
    secretKey?.fill(0),
  );
  try {
    return new StandardPlanClient(plan, client);
  } catch (error) {
    client.dispose();
    throw error;
  }
}

async function makeHintClient(
  plan: ClientPlan,
  { sha256, bytes }: PlanHint,
  { hint, secretKey }: PlanClientOptions,
): Promise<HintClient> {
  if (secretKey !== undefined) refuse('with hints no key serves twice', 'leave the secret key out');
  if (hint === undefined)
    return refuse(
      `the plan has a hint of ${bytes} bytes, which a client needs`,
      'get it from where the plan comes from',
    );
  requireBytes('hint', hint);
  const found = describeHint(hint);
  if (found.sha256 !== sha256)
    throw new CipherconvError({
      code: 'wrong-plan',
      where: 'hint',
      message: 'not the hint of this plan',
      expected: `${bytes} bytes with SHA-256 ${sha256}`,
      found: `${found.bytes} bytes with SHA-256 ${found.sha256}`,
      hint: 'get the hint again from where the plan comes from',
    });
  return createHintClient(plan.view, { publicSeed: publicSeedOf(plan), hint });
}

/** Reads responses with one-time keys of a plan, for a client that went away in between: no hint is needed. */
export interface OneTimeDecryptor {
  /** Bytes of every one-time key of the plan. */
  readonly keyBytes: number;
  /** The accumulators, NCHW; throws as `decryptWithOneTimeKey` does. */
  decrypt(oneTimeKey: Uint8Array, response: Uint8Array): Tensor;
}

/** @throws CipherconvError `usage` for a plan without a hint. */
export async function createOneTimeDecryptor(plan: ClientPlan): Promise<OneTimeDecryptor> {
  const decryptor = await createHintDecryptor(plan.view);
  const lengths = messageLengths(plan.view).response;
  return {
    keyBytes: oneTimeKeyBytes(decryptor.maskBytes),
    decrypt: (oneTimeKey, response) => {
      requireBytes('oneTimeKey', oneTimeKey);
      requireBytes('response', response);
      const masks = decodeOneTimeKey(plan, decryptor.maskBytes, oneTimeKey);
      try {
        const parts = decodeMessage(response, { kind: 'response', digest: plan.digest, lengths });
        return decryptor.decrypt(masks, parts);
      } finally {
        for (const mask of masks) mask.fill(0);
      }
    },
  };
}

/**
 * The accumulators, NCHW, from the response message to an upload whose client has gone.
 * @param oneTimeKey what `PlanExchange.exportOneTimeKey` gave; it reads this response and no other
 * @throws CipherconvError `malformed-key`, `malformed-message`, `malformed-tensor`, `wrong-plan`; `usage` for a plan without
 * a hint.
 */
export async function decryptWithOneTimeKey(
  plan: ClientPlan,
  oneTimeKey: Uint8Array,
  response: Uint8Array,
): Promise<Tensor> {
  return (await createOneTimeDecryptor(plan)).decrypt(oneTimeKey, response);
}
