import { bitLength } from '../../compiler/base/interval.ts';
import type { Interval } from '../../compiler/base/interval.ts';
import { dataModulus } from '../../compiler/bfv/parameters.ts';
import type { Parameters } from '../../compiler/bfv/parameters.ts';
import { bytesOf } from '../ring/arithmetic.ts';
import { inverseModulo } from '../ring/lanePrimes.ts';
import type { RingExports, RingModule } from '../ring/module.ts';
import { crtBasis, scaleDownExactly, SCALING_BYTES, scalesInLanes, writeScaling } from '../ring/scaling.ts';
import type { CoefficientCode, PolynomialCode } from '../wire/coefficients.ts';
import { packedBytes } from '../wire/coefficients.ts';
import { BitRoom, rejectCoefficient, requireNoFilling } from '../wire/packedRun.ts';
import type { PackedRun } from '../wire/packedRun.ts';
import { makeMemory } from '../wasm.ts';

const LINE = 64;
const FIRST_ADDRESS = 1024;
/** Packed residues of more bits are not read by `decryptNarrow`. */
const MOST_NARROW_BITS = 25;

/** Coefficients of a tile that no pixel fills, padding for one, are 0 whatever range the pixels have. */
function withZero({ lo, hi }: Interval): Interval {
  return { lo: Math.min(0, lo), hi: Math.max(0, hi) };
}

/** How a run of decrypted residues becomes accumulators: the value at residue `base`, counted up from there. */
export interface Window {
  /** Where the run ends. */
  readonly end: number;
  readonly base: number;
  readonly low: number;
}

/** How c0 travels, both ways. */
export interface MessageCodes {
  readonly upload: PolynomialCode;
  readonly response: PolynomialCode;
}

/**
 * The two ends of a ring client's messages: integers scaled by q / t, masked, cut and packed; packed residues restored,
 * unmasked and scaled down. One polynomial's coefficients that travel at a time, in WebAssembly memory of a fixed size, exact.
 */
export class MessageCoder {
  /** What is encrypted, and what decryption gave: integers in the order in which they travel. */
  readonly values: Float64Array;
  readonly #exports: RingExports;
  readonly #primes: readonly bigint[];
  readonly #t: number;
  readonly #q: bigint;
  readonly #basis: readonly bigint[];
  readonly #codes: MessageCodes;
  readonly #bits: BitRoom;
  readonly #degree: number;
  readonly #bytes: Uint8Array;
  readonly #words: BigUint64Array;
  readonly #scalingAt = FIRST_ADDRESS;
  readonly #valuesAt: number;
  readonly #masksAt: number;
  readonly #wordsAt: number;
  readonly #packedAt: number;
  /** The code of responses that `decryptNarrow` reads; null: it reads none of them. */
  readonly #narrowCode: CoefficientCode | null;

  /** @param values the integers that will be encrypted; 0, which stands where there is no element, is always among them */
  constructor(module: RingModule, parameters: Parameters, codes: MessageCodes, values: Interval) {
    const { degree, dataPrimes, plainModulus } = parameters;
    const primes = dataPrimes.map(BigInt);
    const list = 8 * degree * primes.length;
    this.#degree = degree;
    this.#primes = primes;
    this.#t = plainModulus;
    this.#q = dataModulus(parameters);
    this.#basis = crtBasis(primes, inverseModulo);
    this.#codes = codes;
    this.#valuesAt = this.#scalingAt + primes.length * SCALING_BYTES;
    this.#masksAt = this.#valuesAt + 8 * degree;
    this.#wordsAt = this.#masksAt + list;
    this.#packedAt = this.#wordsAt + list;
    this.#narrowCode = narrowCode(codes.response, plainModulus);
    const memory = makeMemory(this.#packedAt + list + LINE);
    this.#bytes = new Uint8Array(memory.buffer);
    this.#words = new BigUint64Array(memory.buffer, this.#wordsAt, degree * primes.length);
    this.values = new Float64Array(memory.buffer, this.#valuesAt, degree);
    this.#exports = module.instantiate(memory);
    this.#bits = new BitRoom(this.#exports, memory.buffer, this.#packedAt, list + LINE);
    primes.forEach((prime, which) => {
      const view = new DataView(memory.buffer, this.#scalingAt + which * SCALING_BYTES, SCALING_BYTES);
      writeScaling(view, { prime, primes, plainModulus }, withZero(values));
    });
  }

  /**
   * Writes the first `count` of `values`, scaled and masked, into `bytes` from 0 on.
   * @param masks -(a s + e) at the coefficients that travel, as `RingArithmetic.gather` gives them
   */
  encode(count: number, masks: Uint8Array, bytes: Uint8Array): void {
    this.#bytes.set(masks, this.#masksAt);
    const { upload } = this.#codes;
    this.#primes.forEach((prime, which) => {
      this.#exports.encode(
        this.#valuesAt,
        this.#masksOf(which, count),
        bytesOf(prime) === 8,
        count,
        this.#scalingOf(which),
        upload.codes[which]!.rounding,
        this.#wordsOf(which),
      );
    });
    this.#bits.write(bytes, 0, upload, this.#run(null, count));
  }

  /**
   * Reads what was packed from the beginning of `bytes` and adds what the key makes of c1. What the residues are then is up
   * to `accumulators` and `budgetBits`.
   * @param travelling the coefficients that travel
   * @param masks c1 s there
   * @throws CipherconvError `malformed-tensor`.
   */
  unmask(bytes: Uint8Array, travelling: Int32Array, masks: Uint8Array, where: string): void {
    const count = travelling.length;
    this.#bytes.set(masks, this.#masksAt);
    this.#bits.read(bytes, 0, this.#codes.response, this.#run(travelling, count), where);
    this.#primes.forEach((prime, which) => {
      const isWide = bytesOf(prime) === 8;
      this.#exports.addMasks(this.#wordsOf(which), this.#masksOf(which, count), isWide, count, prime);
    });
  }

  /** The words of `count` coefficients one after another. */
  #run(positions: Int32Array | null, count: number): PackedRun {
    const componentBytes = 8 * this.#degree;
    return { positions, positionsAt: 0, count, wordsAt: this.#wordsAt, componentBytes };
  }

  /**
   * What `unmask` and then `accumulators` give, in one pass where the prime is narrow: L7's decryption takes half the time.
   * @throws CipherconvError `malformed-tensor`.
   */
  decrypt(
    bytes: Uint8Array,
    travelling: Int32Array,
    masks: Uint8Array,
    windows: readonly Window[],
    where: string,
  ): void {
    const code = this.#narrowCode;
    if (code === null) {
      this.unmask(bytes, travelling, masks, where);
      this.accumulators(windows);
      return;
    }
    const count = travelling.length;
    const length = packedBytes(count * code.bits);
    this.#bytes.set(bytes.subarray(0, length), this.#packedAt);
    this.#bytes.set(masks, this.#masksAt);
    let first = 0;
    for (const { end, base, low } of windows) {
      const bad = this.#exports.decryptNarrow(
        this.#packedAt,
        first * code.bits,
        this.#masksAt + 4 * first,
        end - first,
        code.dropped,
        code.bits,
        Number(code.largest),
        Number(code.half),
        this.#scalingAt,
        base,
        low,
        this.#valuesAt + 8 * first,
      );
      if (bad >= 0) {
        const found = this.#exports.valueAt(this.#packedAt, 0, first + bad, code.bits);
        rejectCoefficient(where, code.largest, found, travelling[first + bad]!);
      }
      first = end;
    }
    requireNoFilling(bytes[length - 1]!, count * code.bits, where);
  }

  /** Scales what was unmasked down into `values`, run by run. */
  accumulators(windows: readonly Window[]): void {
    let first = 0;
    for (const { end, base, low } of windows) {
      if (scalesInLanes(this.#primes, this.#t)) {
        const words = this.#wordsAt + 8 * first;
        const values = this.#valuesAt + 8 * first;
        this.#exports.scaleDown(words, end - first, this.#scalingAt, BigInt(base), low, values);
      } else {
        for (let index = first; index < end; index++) {
          const { residue } = this.#scaled(index);
          const distance = Number(residue) - base;
          this.values[index] = low + (distance < 0 ? distance + this.#t : distance);
        }
      }
      first = end;
    }
  }

  /** SEAL's noise budget of the `count` sums that were unmasked: bits of q minus bits of the largest |t v| minus 1. */
  budgetBits(count: number): number {
    let largest = 0n;
    if (scalesInLanes(this.#primes, this.#t))
      largest = this.#exports.largestNoise(this.#wordsAt, count, this.#scalingAt);
    else
      for (let index = 0; index < count; index++) {
        const { noise } = this.#scaled(index);
        const size = noise < 0n ? -noise : noise;
        if (size > largest) largest = size;
      }
    return Math.max(0, bitLength(this.#q) - bitLength(largest) - 1);
  }

  /** One sum, put together from its residues. */
  #scaled(index: number): { residue: bigint; noise: bigint } {
    const x = this.#basis.reduce(
      (sum, factor, which) => sum + this.#words[which * this.#degree + index]! * factor,
      0n,
    );
    return scaleDownExactly(x % this.#q, this.#q, BigInt(this.#t));
  }

  #scalingOf(which: number): number {
    return this.#scalingAt + which * SCALING_BYTES;
  }

  #wordsOf(which: number): number {
    return this.#wordsAt + 8 * which * this.#degree;
  }

  /** The masks of the primes before it lie first. */
  #masksOf(which: number, count: number): number {
    const before = this.#primes.slice(0, which).reduce((sum, prime) => sum + count * bytesOf(prime), 0);
    return this.#masksAt + before;
  }

  /** Overwrites what was encoded or decoded last. */
  wipe(): void {
    this.#bytes.fill(0, this.#valuesAt, this.#packedAt);
  }
}

function narrowCode({ codes }: PolynomialCode, plainModulus: number): CoefficientCode | null {
  const [code, ...others] = codes;
  if (code === undefined || others.length > 0 || bytesOf(code.prime) !== 4) return null;
  return code.bits <= MOST_NARROW_BITS && plainModulus < code.prime ? code : null;
}
