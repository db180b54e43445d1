import type { NetworkKeys } from '../../compiler/network/plan.ts';
import type { Parameters } from '../../compiler/bfv/parameters.ts';
import type { BfvContext } from '../seal/context.ts';
import { galoisFrame, relinearizationFrame } from '../seal/galoisEnvelope.ts';
import type { PublicSeal } from '../seal/module.ts';
import { EvaluationKeysCodec, galoisSteps, requireKeyBytes } from '../wire/evaluationKeys.ts';
import type { PackingModule } from '../wire/packer.ts';

/** SEAL envelopes of both kinds of keys; null where a network needs none of the kind. */
export interface KeyEnvelopes {
  readonly galois: Uint8Array | null;
  readonly relinearization: Uint8Array | null;
}

/**
 * The evaluation keys of a network as they travel: those of the rotations, then that of s^2, packed as in
 * wire/evaluationKeys.ts. They do not depend on t: the same bytes are read under every plain modulus, and each context
 * puts them into an envelope of its own.
 */
export class NetworkKeysCodec {
  readonly #galois: EvaluationKeysCodec | null;
  readonly #relinearization: EvaluationKeysCodec | null;
  readonly #bytes: number;
  readonly #galoisBytes: number;

  constructor(
    seal: PublicSeal,
    packing: PackingModule,
    context: BfvContext,
    parameters: Parameters,
    keys: NetworkKeys,
  ) {
    const steps = galoisSteps(keys);
    const count = steps.length + (keys.relinearization ? 1 : 0);
    this.#bytes = keys.bytes;
    this.#galoisBytes = count === 0 ? 0 : (keys.bytes / count) * steps.length;
    const relinearizationBytes = keys.bytes - this.#galoisBytes;
    this.#galois =
      steps.length === 0
        ? null
        : new EvaluationKeysCodec(packing, galoisFrame(seal, context, steps), parameters, {
            bytes: this.#galoisBytes,
          });
    this.#relinearization = keys.relinearization
      ? new EvaluationKeysCodec(packing, relinearizationFrame(seal, context), parameters, {
          bytes: relinearizationBytes,
        })
      : null;
  }

  /** From SEAL's own envelopes of seeded keys. */
  encode({ galois, relinearization }: KeyEnvelopes): Uint8Array {
    const bytes = new Uint8Array(this.#bytes);
    if (galois !== null && this.#galois !== null) bytes.set(this.#galois.encode(galois));
    if (relinearization !== null && this.#relinearization !== null)
      bytes.set(this.#relinearization.encode(relinearization), this.#galoisBytes);
    return bytes;
  }

  /**
   * SEAL envelopes of this context.
   * @throws CipherconvError `malformed-tensor` for bytes that are not keys of this plan.
   */
  decode(bytes: Uint8Array): KeyEnvelopes {
    requireKeyBytes(this.#bytes, bytes);
    return {
      galois: this.#galois?.decode(bytes.subarray(0, this.#galoisBytes)) ?? null,
      relinearization: this.#relinearization?.decode(bytes.subarray(this.#galoisBytes)) ?? null,
    };
  }
}
