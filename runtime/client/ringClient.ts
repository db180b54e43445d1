import { CipherconvError, disposedError } from '../../compiler/base/errors.ts';
import { verifyPrimes } from '../../compiler/lowering/checkParameters.ts';
import type { Tensor } from '../../compiler/base/tensor.ts';
import type { ClientView } from '../../compiler/lowerings/plan.ts';
import { RingArithmetic } from '../ring/arithmetic.ts';
import { DRAW_KEY_BYTES } from '../ring/draw.ts';
import { loadRing } from '../ring/module.ts';
import type { RingModule } from '../ring/module.ts';
import { systemRandomBytes } from '../ring/systemRandom.ts';
import { requireCiphertextCount } from '../seal/ciphertext.ts';
import { CodingClock } from '../wire/codingClock.ts';
import { SecondHalf } from '../wire/secondHalf.ts';
import { loadPacking } from '../wire/packer.ts';
import type { PackingModule } from '../wire/packer.ts';
import { checkInferenceCount } from './checkCount.ts';
import { TensorCoder } from './tensorCoder.ts';
import type { Client, ClientOptions, TernaryKey } from './types.ts';

/** An encryption of zero for one upload: what c0 is masked with, and what stands for c1 on the wire. Used once. */
interface Zero {
  readonly masks: Uint8Array;
  readonly secondHalf: Uint8Array;
}

/**
 * The client of a plan of the standard protocol with our own arithmetic: a ternary key, c1 uniform from a fresh seed, errors of
 * the centred binomial distribution, SEAL's scaling and SEAL's decryption, bit for bit.
 */
class RingClient implements Client {
  readonly coding = new CodingClock();
  readonly #arithmetic: RingArithmetic;
  readonly #coder: TensorCoder;
  readonly #second: SecondHalf;
  readonly #key: TernaryKey;
  /** Encryptions of zero that are ready, by the number of their upload. */
  readonly #zeros: Zero[][];
  #precomputed = 0;
  #isDisposed = false;

  constructor(ring: RingModule, packing: PackingModule, view: ClientView, secretKey: TernaryKey | null) {
    const { degree, dataPrimes } = view.parameters;
    this.#arithmetic = new RingArithmetic(ring, degree, dataPrimes.map(BigInt));
    this.#coder = new TensorCoder(ring, view);
    this.#second = new SecondHalf(packing, view.parameters, view.wire);
    this.#zeros = this.#coder.uploads.map(() => []);
    this.#key = this.#takeKey(secretKey);
  }

  #takeKey(given: TernaryKey | null): TernaryKey {
    if (given === null) {
      const seed = systemRandomBytes(DRAW_KEY_BYTES);
      this.#arithmetic.drawTernary(seed, 0);
      seed.fill(0);
    } else this.#arithmetic.errors.set(given);
    const key = Int8Array.from(this.#arithmetic.errors);
    this.#arithmetic.setKey();
    this.#arithmetic.wipeDraws();
    return key;
  }

  get ciphertextsPerInput(): number {
    return this.#coder.uploads.length;
  }

  get precomputed(): number {
    return this.#precomputed;
  }

  precompute(count: number): void {
    this.#assertOpen();
    checkInferenceCount(count);
    for (let index = 0; index < count && this.#zeros.length > 0; index++) {
      // Whichever upload has fewest.
      const fewest = Math.min(...this.#zeros.map(({ length }) => length));
      const at = this.#zeros.findIndex(({ length }) => length === fewest);
      this.#zeros[at]!.push(this.#makeZero(at));
      this.#precomputed++;
    }
  }

  encrypt(input: Tensor): Uint8Array[] {
    this.#assertOpen();
    this.#coder.check(input);
    return this.#coder.uploads.map((_, index) => {
      const { masks, secondHalf } = this.#takeZero(index);
      const bytes = this.#coder.encode(index, input.data, masks, secondHalf.length);
      bytes.set(secondHalf, bytes.length - secondHalf.length);
      masks.fill(0);
      return bytes;
    });
  }

  #takeZero(index: number): Zero {
    const ready = this.#zeros[index]!.pop();
    if (ready === undefined) return this.#makeZero(index);
    this.#precomputed--;
    return ready;
  }

  #makeZero(index: number): Zero {
    const random = systemRandomBytes(2 * DRAW_KEY_BYTES);
    const seed = random.subarray(0, DRAW_KEY_BYTES);
    const errorKey = random.subarray(DRAW_KEY_BYTES);
    this.#arithmetic.drawUniform(seed, { domain: 'seededC1', index: 0 });
    const secondHalf = this.#second.write(seed, this.#arithmetic.words);
    this.#arithmetic.multiplyByKey();
    this.#arithmetic.drawErrors(errorKey, 0);
    const masks = this.#arithmetic.gather(this.#coder.uploads[index]!.travelling, 'masks');
    this.#arithmetic.wipeDraws();
    errorKey.fill(0);
    return { masks, secondHalf };
  }

  decrypt(results: readonly Uint8Array[]): Tensor {
    const data = this.#coder.startOutput();
    this.#forEachResult(results, (index, bytes, masks) => {
      this.#coder.decode(index, bytes, masks, data);
    });
    return this.#coder.finishOutput(data);
  }

  /** Computes the masks of every result, and hands each on. */
  #forEachResult(
    results: readonly Uint8Array[],
    use: (index: number, bytes: Uint8Array, masks: Uint8Array) => void,
  ): void {
    this.#assertOpen();
    requireCiphertextCount('results', this.#coder.results.length, results.length);
    this.#coder.results.forEach(({ travelling }, index) => {
      const where = `results[${index}]`;
      this.coding.time('response', () => {
        this.#second.read(results[index]!, travelling, this.#arithmetic.words, where);
      });
      this.#arithmetic.multiplyByKey();
      const masks = this.#arithmetic.gather(travelling, 'words');
      use(index, results[index]!, masks);
    });
    this.#arithmetic.wipeDraws();
    this.#coder.wipe();
  }

  measuredBudgetBits(results: readonly Uint8Array[]): number {
    if (results.length === 0) return this.#freshBudgetBits();
    let least = Infinity;
    this.#forEachResult(results, (index, bytes, masks) => {
      this.#coder.unmask(index, bytes, masks);
      least = Math.min(least, this.#coder.budgetBits(index));
    });
    return least;
  }

  /** The budget of an encryption of zero: its noise is its error. */
  #freshBudgetBits(): number {
    this.#assertOpen();
    const key = systemRandomBytes(DRAW_KEY_BYTES);
    this.#arithmetic.drawErrors(key, 0);
    const largest = this.#arithmetic.errors.reduce((most, error) => Math.max(most, Math.abs(error)), 0);
    this.#arithmetic.wipeDraws();
    return this.#coder.budgetOf(largest);
  }

  evaluationKeys(): Uint8Array {
    this.#assertOpen();
    return new Uint8Array(0);
  }

  secretKey(): TernaryKey {
    this.#assertOpen();
    return this.#key.slice();
  }

  #assertOpen(): void {
    if (this.#isDisposed) throw disposedError('client');
  }

  dispose(): void {
    this.#isDisposed = true;
    this.#key.fill(0);
    this.#arithmetic.wipe();
    this.#coder.wipe();
    for (const { masks } of this.#zeros.flat()) masks.fill(0);
    this.#zeros.length = 0;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/**
 * A client of a toeplitz plan whose uploads carry seeds of ours, or c1.
 * @throws CipherconvError `usage` for a plan with hints, `plan-rejected` for primes that products do not exist for.
 */
export async function createRingClient(view: ClientView, options: ClientOptions = {}): Promise<Client> {
  if (view.wire.upload === 'hint')
    throw new CipherconvError({
      code: 'usage',
      message: 'a plan with hints has no key that encrypts twice',
      hint: 'make a client with the hint, and begin an exchange for every input',
    });
  verifyPrimes(view.parameters);
  const [ring, packing] = await Promise.all([loadRing(), loadPacking()]);
  return new RingClient(ring, packing, view, options.secretKey ?? null);
}
