import { CipherconvError, disposedError } from '../../compiler/base/errors.ts';
import { verifyPrimes } from '../../compiler/lowering/checkParameters.ts';
import type { Tensor } from '../../compiler/base/tensor.ts';
import type { ClientView } from '../../compiler/lowerings/plan.ts';
import { RingArithmetic } from '../ring/arithmetic.ts';
import type { TransformedPolynomial } from '../ring/arithmetic.ts';
import { DRAW_KEY_BYTES } from '../ring/draw.ts';
import { loadRing } from '../ring/module.ts';
import type { RingModule } from '../ring/module.ts';
import { systemRandomBytes } from '../ring/systemRandom.ts';
import { requireCiphertextCount } from '../seal/ciphertext.ts';
import { HintReader } from '../wire/hint.ts';
import { loadPacking } from '../wire/packer.ts';
import type { PackingModule } from '../wire/packer.ts';
import type { Exchange, HintClient, HintClientOptions, HintMaterial } from './exchange.ts';
import { checkInferenceCount } from './checkCount.ts';
import { OneTimeKey } from './oneTimeKey.ts';
import { TensorCoder } from './tensorCoder.ts';
import type { TernaryKey } from './types.ts';

const DEFAULT_CACHE_BYTES = 2 ** 28;

interface PreparedKey {
  readonly key: OneTimeKey;
  readonly secrets: readonly TernaryKey[];
}

class RingHintClient implements HintClient {
  readonly #arithmetic: RingArithmetic;
  readonly #coder: TensorCoder;
  readonly #reader: HintReader;
  readonly #material: HintMaterial;
  readonly #keepsSecrets: boolean;
  /** Uploads and results of one block group. */
  readonly #chunks: number;
  readonly #rows: number;
  readonly #groups: number;
  readonly #cached = new Map<number, TransformedPolynomial>();
  readonly #mostCached: number;
  readonly #ready: PreparedKey[] = [];
  #isDisposed = false;

  constructor(
    modules: { readonly ring: RingModule; readonly packing: PackingModule },
    view: ClientView,
    material: HintMaterial,
    options: HintClientOptions,
  ) {
    const { degree, dataPrimes } = view.parameters;
    this.#arithmetic = new RingArithmetic(modules.ring, degree, dataPrimes.map(BigInt));
    this.#coder = new TensorCoder(modules.ring, view);
    this.#reader = new HintReader(modules.packing, view.parameters);
    this.#material = material;
    this.#keepsSecrets = options.keepSecrets ?? false;
    this.#chunks = view.transfer.usedChunks.length;
    this.#groups = this.#chunks === 0 ? 0 : this.#coder.uploads.length / this.#chunks;
    this.#rows = this.#groups === 0 ? 0 : this.#coder.results.length / this.#groups;
    const bytes = 4 * degree * this.#arithmetic.laneCount;
    this.#mostCached = Math.floor((options.cacheBytes ?? DEFAULT_CACHE_BYTES) / bytes);
    if (material.hint.length !== this.#rows * this.#reader.rowBytes)
      throw new CipherconvError({
        code: 'malformed-tensor',
        where: 'hint',
        message: "not the size of this plan's hint",
        expected: `${this.#rows * this.#reader.rowBytes} bytes`,
        found: `${material.hint.length} bytes`,
      });
  }

  get prepared(): number {
    return this.#ready.length;
  }

  prepare(count: number): void {
    this.#assertOpen();
    checkInferenceCount(count);
    for (let index = 0; index < count; index++) this.#ready.push(this.#makeKey());
  }

  begin(input: Tensor): Exchange {
    this.#assertOpen();
    this.#coder.check(input);
    const { key, secrets } = this.#ready.shift() ?? this.#makeKey();
    const upload = key.takeUploadMasks().map((masks, index) => {
      const bytes = this.#coder.encode(index, input.data, masks, 0);
      masks.fill(0);
      return bytes;
    });
    this.#coder.wipe();
    return new RingExchange(this.#coder, upload, key, secrets);
  }

  /** Every block group has a secret of its own: under one, two groups would share their masks. */
  #makeKey(): PreparedKey {
    const random = systemRandomBytes(2 * DRAW_KEY_BYTES);
    const secretKey = random.subarray(0, DRAW_KEY_BYTES);
    const errorKey = random.subarray(DRAW_KEY_BYTES);
    const secrets: TernaryKey[] = [];
    const uploadMasks: Uint8Array[] = [];
    const resultMasks: Uint8Array[] = [];
    for (let group = 0; group < this.#groups; group++) {
      this.#arithmetic.drawTernary(secretKey, group);
      if (this.#keepsSecrets) secrets.push(Int8Array.from(this.#arithmetic.errors));
      this.#arithmetic.setKey();
      for (let chunk = 0; chunk < this.#chunks; chunk++) {
        const index = group * this.#chunks + chunk;
        this.#arithmetic.multiply(this.#transformed(chunk));
        this.#arithmetic.drawErrors(errorKey, index);
        uploadMasks.push(this.#arithmetic.gather(this.#coder.uploads[index]!.travelling, 'masks'));
      }
      for (let row = 0; row < this.#rows; row++) {
        this.#arithmetic.multiply(this.#transformed(this.#chunks + row));
        const { travelling } = this.#coder.results[group * this.#rows + row]!;
        resultMasks.push(this.#arithmetic.gather(travelling, 'words'));
      }
    }
    random.fill(0);
    this.#arithmetic.wipe();
    return { key: new OneTimeKey(uploadMasks, resultMasks), secrets };
  }

  /** The transforms of the public polynomial of a chunk, and after those of a row of the hint; kept where there is room. */
  #transformed(index: number): TransformedPolynomial {
    const known = this.#cached.get(index);
    if (known !== undefined) return known;
    const { publicSeed, hint } = this.#material;
    if (index < this.#chunks) this.#arithmetic.drawUniform(publicSeed, { domain: 'publicPolynomial', index });
    else this.#arithmetic.words.set(this.#reader.readRow(hint, index - this.#chunks));
    const transformed = this.#arithmetic.transform();
    if (this.#cached.size < this.#mostCached) this.#cached.set(index, transformed);
    return transformed;
  }

  #assertOpen(): void {
    if (this.#isDisposed) throw disposedError('client');
  }

  dispose(): void {
    this.#isDisposed = true;
    for (const { key, secrets } of this.#ready.splice(0)) {
      key.end();
      for (const secret of secrets) secret.fill(0);
    }
    this.#cached.clear();
    this.#arithmetic.wipe();
    this.#coder.wipe();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

class RingExchange implements Exchange {
  readonly upload: readonly Uint8Array[];
  readonly #coder: TensorCoder;
  readonly #key: OneTimeKey;
  readonly #secrets: readonly TernaryKey[];

  constructor(
    coder: TensorCoder,
    upload: readonly Uint8Array[],
    key: OneTimeKey,
    secrets: readonly TernaryKey[],
  ) {
    this.upload = upload;
    this.#coder = coder;
    this.#key = key;
    this.#secrets = secrets;
  }

  decrypt(results: readonly Uint8Array[]): Tensor {
    const output = decryptWithMasks(this.#coder, this.#key.resultMasks(), results);
    this.end();
    return output;
  }

  measuredBudgetBits(results: readonly Uint8Array[]): number {
    let least = Infinity;
    forEachResult(this.#coder, this.#key.resultMasks(), results, (index, bytes, mask) => {
      this.#coder.unmask(index, bytes, mask);
      least = Math.min(least, this.#coder.budgetBits(index));
    });
    return least;
  }

  resultMasks(): readonly Uint8Array[] {
    return this.#key.resultMasks().map((mask) => mask.slice());
  }

  secrets(): readonly TernaryKey[] {
    this.#key.resultMasks();
    return this.#secrets;
  }

  end(): void {
    this.#key.end();
    for (const secret of this.#secrets) secret.fill(0);
  }
}

function forEachResult(
  coder: TensorCoder,
  masks: readonly Uint8Array[],
  results: readonly Uint8Array[],
  use: (index: number, bytes: Uint8Array, mask: Uint8Array) => void,
): void {
  requireCiphertextCount('results', coder.results.length, results.length);
  results.forEach((bytes, index) => {
    use(index, bytes, masks[index]!);
  });
  coder.wipe();
}

function decryptWithMasks(
  coder: TensorCoder,
  masks: readonly Uint8Array[],
  results: readonly Uint8Array[],
): Tensor {
  const data = coder.startOutput();
  forEachResult(coder, masks, results, (index, bytes, mask) => {
    coder.decode(index, bytes, mask, data);
  });
  return coder.finishOutput(data);
}

/**
 * A client of a plan with hints.
 * @throws CipherconvError `usage` for a plan without, `malformed-tensor` for a hint of another size, `plan-rejected` for primes
 * that products do not exist for. That the hint is the plan's is for whoever knows its hash.
 */
export async function createHintClient(
  view: ClientView,
  material: HintMaterial,
  options: HintClientOptions = {},
): Promise<HintClient> {
  requireHints(view);
  const [ring, packing] = await Promise.all([loadRing(), loadPacking()]);
  return new RingHintClient({ ring, packing }, view, material, options);
}

/** Reads the response of an exchange with what `Exchange.resultMasks` gave: no key, no hint. */
export interface HintDecryptor {
  /** Bytes of the mask of every result. */
  readonly maskBytes: readonly number[];
  /**
   * The accumulators (NCHW).
   * @throws CipherconvError `malformed-tensor` for results that are not of this plan.
   */
  decrypt(masks: readonly Uint8Array[], results: readonly Uint8Array[]): Tensor;
}

/** @throws CipherconvError `usage` for a plan without hints. */
export async function createHintDecryptor(view: ClientView): Promise<HintDecryptor> {
  requireHints(view);
  const coder = new TensorCoder(await loadRing(), view);
  return {
    maskBytes: coder.results.map((_, index) => coder.maskBytes(index)),
    decrypt: (masks, results) => decryptWithMasks(coder, masks, results),
  };
}

function requireHints(view: ClientView): void {
  if (view.wire.upload !== 'hint')
    throw new CipherconvError({ code: 'usage', message: 'the plan has no hints' });
  verifyPrimes(view.parameters);
}
