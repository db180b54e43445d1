import { CipherconvError } from '../../compiler/base/errors.ts';
import { fitsFrame } from '../seal/envelope.ts';
import type { KeySwitchFrame } from '../seal/galoisEnvelope.ts';
import { UploadCodec, uploadByteLength } from './uploads.ts';
import type { PackingModule } from './packer.ts';
import { allPrimes } from '../../compiler/bfv/parameters.ts';
import type { Parameters } from '../../compiler/bfv/parameters.ts';
import type { PlanWire, PlanKeys } from '../../compiler/lowering/plan.ts';

/** Nothing is dropped, and a half is c0 and a seed. */
const EVERYTHING: PlanWire = { upload: 'seal-seeded', uploadC0: 0, responseC0: 0, responseC1: 0 };

/**
 * Evaluation keys as they travel: for every step of the plan in its order, and every data prime, one half: the
 * coefficients of its first polynomial under all primes, packed, and the 64-byte seed of the second. As with ciphertexts
 * no byte of a SEAL header comes from outside, and every coefficient is compared with its prime.
 */
export class EvaluationKeysCodec {
  readonly #frame: KeySwitchFrame;
  readonly #half: UploadCodec;
  readonly #halfBytes: number;
  readonly #bytes: number;

  constructor(
    packing: PackingModule,
    frame: KeySwitchFrame,
    parameters: Parameters,
    keys: Pick<PlanKeys, 'bytes'>,
  ) {
    this.#frame = frame;
    const keyLevel = { ...parameters, dataPrimes: allPrimes(parameters).map(String) };
    const frames = { seeded: frame.half, full: frame.half };
    this.#half = new UploadCodec(packing, frames, keyLevel, EVERYTHING);
    this.#halfBytes = uploadByteLength(keyLevel, EVERYTHING, null);
    this.#bytes = keys.bytes;
  }

  /** From SEAL's own envelope of seeded Galois keys. */
  encode(envelope: Uint8Array): Uint8Array {
    const bytes = new Uint8Array(this.#bytes);
    this.#forEachHalf((at, from) => {
      const half = envelope.subarray(at, at + this.#frame.half.byteLength);
      if (!fitsFrame(half, this.#frame.half)) malformed('evaluation keys', 'our own headers', 'others');
      bytes.set(this.#half.encode(this.#half.copyWords(half), half, null), from);
    });
    return bytes;
  }

  /**
   * A SEAL envelope of its own.
   * @throws CipherconvError `malformed-tensor` for bytes that are not keys of this plan.
   */
  decode(bytes: Uint8Array): Uint8Array {
    requireKeyBytes(this.#bytes, bytes);
    const envelope = this.#frame.template.slice();
    this.#forEachHalf((at, from, number) => {
      const half = bytes.subarray(from, from + this.#halfBytes);
      envelope.set(this.#half.decode(half, null, `evaluationKeys[${number}]`), at);
    });
    return envelope;
  }

  #forEachHalf(visit: (envelopeAt: number, bytesAt: number, number: number) => void): void {
    const { keysAt, halvesPerKey, half } = this.#frame;
    keysAt.forEach((at, key) => {
      for (let index = 0; index < halvesPerKey; index++) {
        const number = key * halvesPerKey + index;
        visit(at + index * half.byteLength, number * this.#halfBytes, number);
      }
    });
  }
}

function malformed(where: string, expected: string, found: string): never {
  throw new CipherconvError({
    code: 'malformed-tensor',
    where,
    message: 'not evaluation keys of this plan',
    expected,
    found,
  });
}

/** The rotations of keys as SEAL numbers them: 0 is the exchange of the slot rows, and comes first. */
export function galoisSteps({ steps, exchange }: PlanKeys): readonly number[] {
  return exchange ? [0, ...steps] : steps;
}

/** @throws CipherconvError `malformed-tensor` when the keys do not have the size that the plan says. */
export function requireKeyBytes(expected: number, bytes: Uint8Array): void {
  if (bytes.length === expected) return;
  malformed('evaluationKeys', `${expected} bytes`, `${bytes.length} bytes`);
}
