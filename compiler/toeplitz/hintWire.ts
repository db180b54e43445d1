import { internalError } from '../base/errors.ts';
import { bitLength } from '../base/interval.ts';
import { largestDrop } from '../bfv/dropBits.ts';
import { NO_STEPS } from '../bfv/dropStep.ts';
import { usablePrime } from '../bfv/chooseModulus.ts';
import { droppedFromC0, largestNoise } from '../bfv/noise.ts';
import type { DroppedBits } from '../bfv/noise.ts';
import type { Degree } from '../bfv/security.ts';
import type { Objective } from '../cost/estimate.ts';
import { digitCapacity, limbsFor } from '../rings/digits.ts';
import { MAX_PRIME_BITS, MIN_PRIME_BITS } from '../rings/primes.ts';
import { digitModulus } from './direct/lanes.ts';
import { largestShift } from './hint.ts';
import { resultNoise } from './noise.ts';
import type { ResultNoiseInput } from './noise.ts';

/**
 * q and the dropped bits of a plan with hints, chosen together: every low bit that an upload does without is one that
 * the kernel's digits need not carry, so a q of a few bits more may take a limb less; and a few bits more leave room for
 * dropping more of the response, which then is hardly wider than its plaintext.
 */

/** One prime with what need not travel, and what that makes of digits and bytes. */
export interface HintWire {
  readonly prime: bigint;
  readonly dropped: DroppedBits;
  /** Digits of an input. */
  readonly limbs: number;
  /** Bits of a coefficient of an upload. */
  readonly uploadBits: number;
  /** Bits of a coefficient of a response. */
  readonly responseBits: number;
  /** Bits of q, and so of a coefficient of the hint. */
  readonly primeBits: number;
}

export interface HintWireDemand {
  readonly degree: Degree;
  readonly plainModulus: number;
  /** The noise without what is dropped. */
  readonly noise: Omit<ResultNoiseInput, 'steps' | 'protocol'>;
  /** Bits of q that the security table allows. */
  readonly allowedBits: number;
}

/** A larger q than this many bits over the smallest never pays. */
const EXTRA_BITS = 12;

const LARGEST_LIMB_BITS = 16;

/** Steps under one prime. Of every coefficient two bits travel at least. */
const POWERS = Array.from({ length: MAX_PRIME_BITS }, (_, bits) => 1n << BigInt(bits));

/** Primes by ring degree, bits and bound: a search asks for the same ones again and again. */
export class PrimeSource {
  readonly #plainModulus: number;
  readonly #known = new Map<string, bigint | null>();

  constructor(plainModulus: number) {
    this.#plainModulus = plainModulus;
  }

  /** The largest usable prime of so many bits up to `largest`; null where there is none. */
  largest(degree: Degree, bits: number, largest: bigint): bigint | null {
    const key = `${degree} ${bits} ${largest}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const prime = usablePrime(degree, bits, this.#plainModulus, [], largest) ?? null;
    this.#known.set(key, prime);
    return prime;
  }
}

/** All choices of which no other is as good in limbs, upload, response and q; the smallest q first. */
export function hintWires(
  demand: HintWireDemand,
  source: PrimeSource = new PrimeSource(demand.plainModulus),
): HintWire[] {
  const { degree, plainModulus, noise, allowedBits } = demand;
  const productsAt = (bits: number): bigint =>
    resultNoise({ ...noise, steps: { ...NO_STEPS, uploadC0: 1n << BigInt(bits) }, protocol: 'hint' })
      .products;
  const products = Array.from({ length: largestShift(degree, 1) + 1 }, (_, bits) => productsAt(bits));
  const least = Math.max(MIN_PRIME_BITS, bitLength(products[0]! * BigInt(plainModulus)));
  const most = Math.min(least + EXTRA_BITS, MAX_PRIME_BITS, allowedBits);
  const found: HintWire[] = [];
  for (let bits = least; bits <= most; bits++) {
    products.slice(0, bits - 1).forEach((productNoise, uploadC0) => {
      // No q of so few bits has room for this noise.
      if (bitLength(productNoise * BigInt(plainModulus)) > bits) return;
      for (const prime of primesOf(source, degree, bits, uploadC0)) {
        const wire = wireUnder(prime, plainModulus, productNoise, uploadC0);
        if (wire !== null && !found.some((other) => isAsGood(other, wire))) found.push(wire);
      }
    });
  }
  return found.filter((wire) => !found.some((other) => other !== wire && isAsGood(other, wire)));
}

/** Sizes this much above the least are about as good, and fewer limbs decide. */
const AS_GOOD = 0.03;

/** How many coefficients travel of each kind. */
export interface HintCoefficients {
  readonly uploadC0: number;
  readonly responseC0: number;
  /** An inference's share of the hint. */
  readonly hint: number;
}

/** The choice for a plan: for bandwidth the fewest bits, else the fewest limbs; the other among those about as good. */
export function bestHintWire(
  wires: readonly HintWire[],
  { uploadC0, responseC0, hint }: HintCoefficients,
  objective: Objective,
): HintWire {
  const bits = ({ uploadBits, responseBits, primeBits }: HintWire): number =>
    uploadC0 * uploadBits + responseC0 * responseBits + hint * primeBits;
  const limit = objective === 'bandwidth' ? Math.min(...wires.map(bits)) * (1 + AS_GOOD) : Infinity;
  const [best] = wires
    .filter((wire) => bits(wire) <= limit)
    .sort((left, right) => left.limbs - right.limbs || bits(left) - bits(right));
  if (best === undefined) throw internalError('no q carries the hint');
  return best;
}

function isAsGood(left: HintWire, right: HintWire): boolean {
  return (
    left.limbs <= right.limbs &&
    left.uploadBits <= right.uploadBits &&
    left.responseBits <= right.responseBits &&
    left.primeBits <= right.primeBits
  );
}

/** The largest prime of so many bits, and the largest that takes no more limbs than smaller ones. */
function primesOf(source: PrimeSource, degree: Degree, bits: number, shift: number): bigint[] {
  const limbs = Math.ceil((bits - shift) / LARGEST_LIMB_BITS);
  const boundary = 2n * digitCapacity(LARGEST_LIMB_BITS, limbs) * (1n << BigInt(shift)) + 1n;
  const largest = (1n << BigInt(bits)) - 1n;
  const bounds = boundary < largest ? [boundary, largest] : [largest];
  return bounds.flatMap((bound) => source.largest(degree, bits, bound) ?? []);
}

function wireUnder(prime: bigint, plainModulus: number, products: bigint, uploadC0: number): HintWire | null {
  const room = largestNoise(prime, plainModulus);
  if (products > room) return null;
  const primeBits = bitLength(prime);
  const responseC0 = largestDrop(POWERS.slice(0, primeBits - 1), room - products, droppedFromC0);
  return {
    prime,
    dropped: { uploadC0, responseC0, responseC1: 0 },
    limbs: limbsFor(digitModulus(prime, uploadC0)).limbs,
    uploadBits: primeBits - uploadC0,
    responseBits: primeBits - responseC0,
    primeBits,
  };
}
