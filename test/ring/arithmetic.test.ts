import { describe, expect, it } from 'vitest';
import { nttPrimes } from '../../compiler/rings/primes.ts';
import { RingArithmetic } from '../../runtime/ring/arithmetic.ts';
import { loadRing } from '../../runtime/ring/module.ts';
import { randomNumbers } from './numbers.ts';

const module = await loadRing();

/** The definition: X^N = -1. */
function negacyclicProduct(left: readonly bigint[], right: readonly bigint[], prime: bigint): number[] {
  const degree = left.length;
  const sums = new Array<bigint>(degree).fill(0n);
  left.forEach((a, i) => {
    right.forEach((b, j) => {
      const at = (i + j) % degree;
      sums[at] = sums[at]! + (i + j < degree ? a * b : -a * b);
    });
  });
  return sums.map((sum) => Number(((sum % prime) + prime) % prime));
}

function primeOf(degree: number, bits: number): number {
  return Number(nttPrimes(degree, bits, 1)[0]!);
}

describe('products with a ternary key', () => {
  const cases = [
    [8, 16],
    [16, 14],
    [64, 31],
    [256, 20],
    [1024, 27],
    [1024, 31],
  ] as const;
  it.each(cases)('N = %i, a prime of %i bits: the definition', (degree, bits) => {
    const prime = primeOf(degree, bits);
    const draw = randomNumbers(degree + bits);
    const arithmetic = new RingArithmetic(module, degree, [prime]);
    for (let round = 0; round < 3; round++) {
      const key = Int8Array.from({ length: degree }, () => (draw() % 3) - 1);
      const values = Uint32Array.from({ length: degree }, () => (draw() * 2 ** 16 + draw()) % prime);
      // The ends of the range, where a lane would overflow first.
      if (round === 0) values.fill(prime - 1);
      if (round === 1) key.fill(-1);
      arithmetic.setKey(key);
      arithmetic.values.set(values);
      arithmetic.multiplyByKey(0);
      const expected = negacyclicProduct(Array.from(values, BigInt), Array.from(key, BigInt), BigInt(prime));
      expect([...arithmetic.values]).toEqual(expected);
    }
  });

  it('keeps two primes apart', () => {
    const degree = 128;
    const primes = nttPrimes(degree, 26, 2).map(Number);
    const draw = randomNumbers(5);
    const arithmetic = new RingArithmetic(module, degree, primes);
    const key = Int8Array.from({ length: degree }, () => (draw() % 3) - 1);
    arithmetic.setKey(key);
    const values = Uint32Array.from({ length: degree }, () => draw());
    primes.forEach((prime, which) => {
      arithmetic.values.set(values);
      arithmetic.multiplyByKey(which);
      const expected = negacyclicProduct(Array.from(values, BigInt), Array.from(key, BigInt), BigInt(prime));
      expect([...arithmetic.values]).toEqual(expected);
    });
  });

  it('refuses a prime of 32 bits, and one without the roots', () => {
    const tooWide = Number(nttPrimes(1024, 32, 1)[0]!);
    expect(() => new RingArithmetic(module, 1024, [tooWide])).toThrow('no 32-bit transform');
    expect(() => new RingArithmetic(module, 1024, [12289 + 2])).toThrow('no 32-bit transform');
  });
});

describe('masks', () => {
  it('are minus the sum, at both ends of the range', () => {
    const degree = 8;
    const prime = primeOf(degree, 16);
    const arithmetic = new RingArithmetic(module, degree, [prime]);
    const values = [0, 0, 0, prime - 1, prime - 1, prime - 1, 1, 21];
    const errors = [0, -1, 21, 0, 1, -21, -1, -21];
    arithmetic.values.set(values);
    arithmetic.errors.set(errors);
    arithmetic.mask(0);
    const expected = values.map(
      (value, index) => (((-(value + errors[index]!) % prime) + prime) % prime) + 0,
    );
    expect([...arithmetic.values]).toEqual(expected);
  });
});
