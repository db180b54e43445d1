import { describe, expect, it } from 'vitest';
import { nttPrimes } from '../../compiler/rings/primes.ts';
import { RingArithmetic } from '../../runtime/ring/arithmetic.ts';
import { modulusLanes } from '../../runtime/ring/lanePrimes.ts';
import { loadRing } from '../../runtime/ring/module.ts';
import { negacyclicProduct, residuesOf, storeResidues } from './negacyclic.ts';
import { randomNumbers } from './numbers.ts';

const module = await loadRing();

function primeOf(degree: number, bits: number): bigint {
  return nttPrimes(degree, bits, 1)[0]!;
}

/** A residue below the prime from 16-bit numbers. */
function residue(draw: () => number, prime: bigint): bigint {
  let value = 0n;
  for (let part = 0; part < 4; part++) value = (value << 16n) | BigInt(draw());
  return value % prime;
}

describe('products with a ternary key', () => {
  const cases = [
    [8, [16]],
    [16, [14]],
    [64, [31]],
    [256, [20]],
    [1024, [27]],
    [1024, [31]],
    // Two lanes, the widest of two, and three.
    [8, [32]],
    [64, [40]],
    [256, [53]],
    [256, [54]],
    [1024, [51]],
    [1024, [52]],
    [1024, [60]],
    [128, [26, 27]],
    [128, [26, 60, 44]],
  ] as const;
  it.each(cases)('N = %i, primes of %j bits: the definition', (degree, bits) => {
    const primes = bits.map((size) => primeOf(degree, size));
    const draw = randomNumbers(degree + bits[0]);
    const arithmetic = new RingArithmetic(module, degree, primes);
    for (let round = 0; round < 4; round++) {
      const key = Array.from({ length: degree }, () => (draw() % 3) - 1);
      const values = primes.map((prime) => Array.from({ length: degree }, () => residue(draw, prime)));
      // The ends of the range, where a lane would overflow or a sign be lost first: |x| = N (p - 1) / 2.
      if (round === 0) values.forEach((list, which) => list.fill(primes[which]! - 1n));
      if (round === 1) values.forEach((list, which) => list.fill((primes[which]! - 1n) / 2n));
      if (round === 2) values.forEach((list, which) => list.fill((primes[which]! + 1n) / 2n));
      if (round < 3) key.fill(round === 1 ? 1 : -1);
      arithmetic.errors.set(key);
      arithmetic.setKey();
      storeResidues(arithmetic.words, values);
      const transformed = arithmetic.transform();
      arithmetic.multiplyByKey();
      const expected = values.map((list, which) => negacyclicProduct(list, key.map(BigInt), primes[which]!));
      expect(residuesOf(arithmetic.words, degree)).toEqual(expected);
      arithmetic.words.fill(0);
      arithmetic.multiply(transformed);
      expect(residuesOf(arithmetic.words, degree)).toEqual(expected);
    }
  });

  it('takes two lanes as long as the sign is told, then three', () => {
    // N (p - 1) / 2 < p1 (p2 - 1) / 2 - p1: with N = 2048 and lanes of 31 bits up to 51 bits.
    expect(modulusLanes(2048, primeOf(2048, 31)).lanes.length).toBe(1);
    expect(modulusLanes(2048, primeOf(2048, 32)).lanes.length).toBe(2);
    expect(modulusLanes(2048, primeOf(2048, 50)).lanes.length).toBe(2);
    expect(modulusLanes(2048, primeOf(2048, 52)).lanes.length).toBe(3);
    expect(modulusLanes(32768, primeOf(32768, 60)).lanes.length).toBe(3);
  });

  it('refuses a prime without the roots, and one of 61 bits', () => {
    expect(() => new RingArithmetic(module, 1024, [12289n + 2n])).toThrow('no 32-bit transform');
    expect(() => new RingArithmetic(module, 1024, [2n ** 60n + 1n])).toThrow('no products of length');
  });
});

describe('gathering', () => {
  const degree = 8;
  const primes = [primeOf(degree, 16), primeOf(degree, 40)] as const;
  const arithmetic = new RingArithmetic(module, degree, primes);
  const values = primes.map((prime) => [0n, 0n, 0n, prime - 1n, prime - 1n, prime - 1n, 1n, 21n]);
  const errors = [0, -1, 21, 0, 1, -21, -1, -21];

  it.each([[null], [Int32Array.of(0, 2, 5, 7)]])(
    'masks are minus the sum, at both ends (%s)',
    (positions) => {
      storeResidues(arithmetic.words, values);
      arithmetic.errors.set(errors);
      const at = positions === null ? values[0]!.map((_, index) => index) : [...positions];
      const masks = primes.map((prime, which) =>
        at.map((index) => (((-values[which]![index]! - BigInt(errors[index]!)) % prime) + prime) % prime),
      );
      expect(gathered(arithmetic.gather(positions, 'masks'), at.length)).toEqual(masks);
      expect(gathered(arithmetic.gather(positions, 'words'), at.length)).toEqual(
        primes.map((_, which) => at.map((index) => values[which]![index])),
      );
    },
  );

  it('nothing secret is left after wiping', () => {
    arithmetic.drawTernary(new Uint8Array(32).fill(3), 0);
    arithmetic.setKey();
    storeResidues(arithmetic.words, values);
    const transformed = arithmetic.transform();
    arithmetic.multiply(transformed);
    arithmetic.drawErrors(new Uint8Array(32).fill(5), 0);
    arithmetic.gather(null, 'masks');
    arithmetic.wipe();
    expect(arithmetic.words.every((word) => word === 0)).toBe(true);
    expect(arithmetic.errors.every((error) => error === 0)).toBe(true);
    // The key is gone too: a product is 0, whatever it was.
    arithmetic.multiply(transformed);
    expect(arithmetic.words.every((word) => word === 0)).toBe(true);
  });

  /** 4 bytes each under the first prime, 8 under the second. */
  function gathered(bytes: Uint8Array, count: number): bigint[][] {
    expect(bytes.length).toBe(12 * count);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const narrow = Array.from({ length: count }, (_, index) => BigInt(view.getUint32(4 * index, true)));
    const wide = Array.from({ length: count }, (_, index) => view.getBigUint64(4 * count + 8 * index, true));
    return [narrow, wide];
  }
});
