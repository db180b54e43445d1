import { contextPrimes } from '../../compiler/bfv/contextPrimes.ts';
import type { Parameters } from '../../compiler/bfv/parameters.ts';
import { describe, expect, it } from 'vitest';
import { bitLength, ceilLog2 } from '../../compiler/base/interval.ts';
import { isPrime, nttPrimes } from '../../compiler/rings/primes.ts';
import { decryptionIsCertain, predictedBudgetBits } from '../../compiler/bfv/noise.ts';
import { chooseModulus, dataPrimesOfBits } from '../../compiler/bfv/chooseModulus.ts';
import { DEGREES, largestModulusBits } from '../../compiler/bfv/security.ts';

/** Twice the noise of a row without rounding: 2 x 21.5 x L1. */
const rowNoise = (rowL1: number): bigint => 43n * BigInt(rowL1);

const product = (primes: readonly bigint[]): bigint => primes.reduce((result, prime) => result * prime, 1n);

describe('primes', () => {
  it('tells primes from composites, Carmichael and strong pseudoprimes included', () => {
    for (const prime of [2n, 3n, 12289n, 1073692673n, 1152921504606830593n, 2n ** 61n - 1n])
      expect(isPrime(prime)).toBe(true);
    for (const composite of [
      0n,
      1n,
      4n,
      561n,
      25326001n,
      3215031751n,
      3825123056546413051n,
      (2n ** 31n - 1n) ** 2n,
    ]) {
      expect(isPrime(composite)).toBe(false);
    }
  });

  it('agrees with trial division below 20000', () => {
    for (let candidate = 2; candidate < 20000; candidate++) {
      let composite = false;
      for (let divisor = 2; divisor * divisor <= candidate; divisor++)
        composite ||= candidate % divisor === 0;
      expect(isPrime(BigInt(candidate))).toBe(!composite);
    }
  });

  it('finds NTT primes of exactly the asked bits, largest first', () => {
    expect(nttPrimes(1024, 14, 1)).toEqual([12289n]);
    expect(nttPrimes(1024, 13, 3)).toEqual([]);
    expect(nttPrimes(1024, 12, 3)).toEqual([]);
    for (const degree of DEGREES) {
      const primes = nttPrimes(degree, 40, 5);
      expect(primes).toHaveLength(5);
      for (const prime of primes) {
        expect(bitLength(prime)).toBe(40);
        expect(prime % BigInt(2 * degree)).toBe(1n);
        expect(isPrime(prime)).toBe(true);
      }
      expect([...primes].sort((a, b) => (a < b ? 1 : -1))).toEqual(primes);
    }
  });
});

describe('the noise rule', () => {
  it('is exact at its bound: the largest L1 that passes, and one more that does not', () => {
    const q = nttPrimes(1024, 26, 1)[0]!;
    const certain = (l1: number): boolean => decryptionIsCertain(q, 128, rowNoise(l1));
    expect(q).toBe(67104769n);
    // floor(q / (2 t 21.5)) with t = 128
    expect(certain(12192)).toBe(true);
    expect(certain(12193)).toBe(false);
  });

  it('predicts a budget that is the integer formula of SEAL', () => {
    const q = nttPrimes(1024, 26, 1)[0]!;
    expect(predictedBudgetBits(q, 82, rowNoise(15))).toBe(26 - bitLength((82n * 43n * 15n) / 2n) - 1);
  });
});

describe('choosing q', () => {
  it('takes the smallest: one bit less fails the rule', () => {
    let found = 0;
    for (const degree of DEGREES) {
      for (const plainModulus of [2, 82, 4097, 2 ** 20 + 7, 2 ** 33, 2 ** 45 + 1]) {
        for (const rowL1 of [1, 17, 5000, 10 ** 7]) {
          const choice = chooseModulus({ degree, plainModulus, noise: rowNoise(rowL1), securityBits: 128 });
          const needed = bitLength(rowNoise(rowL1) * BigInt(plainModulus));
          if (choice.kind === 'refused') {
            expect(choice.neededBits).toBeGreaterThan(choice.allowedBits);
            continue;
          }
          found++;
          expect(decryptionIsCertain(product(choice.dataPrimes), plainModulus, rowNoise(rowL1))).toBe(true);
          const bits = choice.dataPrimes.reduce((sum, prime) => sum + bitLength(prime), 0);
          expect(bits).toBeLessThanOrEqual(largestModulusBits(degree, 128));
          const less = bits - 1 >= 14 ? dataPrimesOfBits(degree, bits - 1, plainModulus) : null;
          if (less !== null)
            expect(decryptionIsCertain(product(less), plainModulus, rowNoise(rowL1))).toBe(false);
          expect(bits).toBeGreaterThanOrEqual(Math.min(bits, needed));
        }
      }
    }
    expect(found).toBeGreaterThan(60);
  });

  it('uses one prime of up to 60 bits, then several; none is special, because nothing is key-switched', () => {
    const one = chooseModulus({
      degree: 4096,
      plainModulus: 2 ** 40,
      noise: rowNoise(2000),
      securityBits: 128,
    });
    expect(one).toMatchObject({ kind: 'found', dataPrimes: [expect.anything()] });
    const several = chooseModulus({
      degree: 4096,
      plainModulus: 2 ** 45,
      noise: rowNoise(10 ** 6),
      securityBits: 128,
    });
    if (several.kind !== 'found') throw new Error('expected several primes');
    expect(several.dataPrimes).toHaveLength(2);
    const parameters: Parameters = {
      degree: 4096,
      plainModulus: 2 ** 45,
      dataPrimes: several.dataPrimes.map(String),
      specialPrime: null,
      securityBits: 128,
    };
    const unused = contextPrimes(parameters).slice(2);
    expect(unused.map(bitLength)).toEqual([expect.toSatisfy((bits: number) => bits < 20)]);
    expect(several.dataPrimes).not.toContain(unused[0]);
  });

  it('passes over primes that divide t', () => {
    const prime = nttPrimes(4096, 31, 1)[0]!;
    const choice = chooseModulus({
      degree: 4096,
      plainModulus: Number(prime),
      noise: rowNoise(2 ** 27),
      securityBits: 128,
    });
    if (choice.kind !== 'found') throw new Error('expected primes');
    expect(choice.dataPrimes.length).toBe(2);
    expect(choice.dataPrimes).not.toContain(prime);
  });

  it('says by how much a degree is too small', () => {
    expect(
      chooseModulus({ degree: 1024, plainModulus: 2 ** 20, noise: rowNoise(1000), securityBits: 128 }),
    ).toEqual({
      kind: 'refused',
      neededBits: bitLength(2n ** 20n * 43000n),
      allowedBits: 26,
    });
  });

  it('obeys the rows for 192 and 256 bits', () => {
    const kindOf = (degree: 1024 | 2048, securityBits: 192 | 256): string =>
      chooseModulus({ degree, plainModulus: 46, noise: rowNoise(15), securityBits }).kind;
    expect(kindOf(1024, 192)).toBe('found');
    expect(kindOf(1024, 256)).toBe('refused');
    expect(kindOf(2048, 256)).toBe('found');
  });
});

describe('bit counts', () => {
  it('are exact at powers of two', () => {
    for (let bits = 1; bits < 53; bits++) {
      expect(bitLength(2 ** bits - 1)).toBe(bits);
      expect(bitLength(2 ** bits)).toBe(bits + 1);
      expect(ceilLog2(2 ** bits)).toBe(bits);
    }
    expect(ceilLog2(1)).toBe(0);
    expect(bitLength(0)).toBe(0);
  });
});
