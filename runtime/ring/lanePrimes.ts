import { internalError } from '../../compiler/base/errors.ts';
import { nttPrimes, powerModulo } from '../../compiler/rings/primes.ts';

/** Primes below 2^31 fit the lanes as they are; of products modulo wider ones the integer is put together from several. */
const NARROW_LIMIT = 2n ** 31n;
const LANE_BITS = 31;
const WORD = 1n << 64n;
const HALF_WORD = 1n << 32n;

/** How products modulo one prime p are computed: modulo which primes below 2^31. */
export type ModulusLanes =
  | { readonly kind: 'narrow'; readonly prime: bigint; readonly lanes: readonly [bigint] }
  | {
      readonly kind: 'wide';
      readonly prime: bigint;
      readonly lanes: readonly [bigint, bigint] | readonly [bigint, bigint, bigint];
    };

/**
 * The lanes of p. The integer sum of products of centred polynomials with others is at most norm (p - 1) / 2; it is told from
 * its residues where that is below p1 (p2 - 1) / 2 - p1 (or the same with p1 p2 and p3), because its last mixed-radix digit
 * then says its sign.
 * @param norm largest L1 norm of what one sum multiplies by; N for a ternary key
 */
export function modulusLanes(degree: number, prime: bigint, norm = degree): ModulusLanes {
  if (prime < NARROW_LIMIT) return { kind: 'narrow', prime, lanes: [prime] };
  const [p1, p2, p3] = nttPrimes(degree, LANE_BITS, 3);
  if (p1 === undefined || p2 === undefined || p3 === undefined || prime >> 60n !== 0n)
    throw internalError(`no products of length ${degree} modulo ${prime}`);
  const largest = (BigInt(norm) * (prime - 1n)) / 2n;
  const isTold = (below: bigint, last: bigint): boolean => largest < (below * (last - 1n)) / 2n - below;
  if (isTold(p1, p2)) return { kind: 'wide', prime, lanes: [p1, p2] };
  if (isTold(p1 * p2, p3)) return { kind: 'wide', prime, lanes: [p1, p2, p3] };
  throw internalError(`sums of norm ${norm} modulo ${prime} do not fit three lanes`);
}

/** Whether sums of that norm have lanes. */
export function hasLanes(prime: bigint, norm: number): boolean {
  // Each lane prime has 31 bits, so it is above 2^30.
  return prime < NARROW_LIMIT || (prime >> 60n === 0n && BigInt(norm) * prime < 1n << 89n);
}

/** Bytes of a record. */
export const RECORD_BYTES = 128;

/** The constants of a wide prime as runtime/assembly/wide.ts reads them, in its order; those of a third lane may be 0. */
export function writeRecord(view: DataView, { prime, lanes }: ModulusLanes): void {
  const [p1, p2 = 0n, p3 = 0n] = lanes;
  const product = lanes.reduce((all, lane) => all * lane, 1n);
  const pair = (p1 * p2) % prime;
  const inverse2 = p2 === 0n ? 0n : inverseModulo(p1, p2);
  const inverse3 = p3 === 0n ? 0n : inverseModulo(p1 * p2, p3);
  const words = [
    prime,
    (prime - 1n) / 2n,
    WORD / prime,
    product % prime,
    pair,
    (pair * WORD) / prime,
    p1,
    p2,
    p3,
    inverse2,
    p2 === 0n ? 0n : (inverse2 * HALF_WORD) / p2,
    inverse3,
    p3 === 0n ? 0n : (inverse3 * HALF_WORD) / p3,
    p3 === 0n ? 0n : p1 % p3,
    p3 === 0n ? 0n : ((p1 % p3) * HALF_WORD) / p3,
  ];
  words.forEach((word, index) => {
    view.setBigUint64(8 * index, word, true);
  });
}

/** The inverse modulo a prime, by Fermat. */
export function inverseModulo(value: bigint, prime: bigint): bigint {
  return powerModulo(value % prime, prime - 2n, prime);
}
