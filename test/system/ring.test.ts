import { describe, expect, it } from 'vitest';
import { nttPrimes } from '../../compiler/rings/primes.ts';
import { RingArithmetic } from '../../runtime/ring/arithmetic.ts';
import { loadRing } from '../../runtime/ring/module.ts';
import { systemRandomBytes } from '../../runtime/ring/systemRandom.ts';

/** What takes too many draws for every run of the tests. */

const ring = await loadRing();

describe('what a client draws', () => {
  const degree = 8192;
  const arithmetic = new RingArithmetic(ring, degree, nttPrimes(degree, 31, 1));
  const rounds = Math.ceil(10 ** 7 / degree);
  const total = rounds * degree;

  it('10^7 errors: moments, range and chi-square of 21 coins minus 21 coins', () => {
    const counts = new Array<number>(43).fill(0);
    for (let round = 0; round < rounds; round++) {
      arithmetic.drawErrors(systemRandomBytes(32), 0);
      for (const value of arithmetic.errors) counts[value + 21]!++;
    }
    const moment = (power: number): number =>
      counts.reduce((sum, count, index) => sum + count * (index - 21) ** power, 0) / total;
    // Six standard errors each; of the fourth moment the variance of x^4 is below 10.5^4 * 105.
    expect(Math.abs(moment(1))).toBeLessThan(6 * Math.sqrt(10.5 / total));
    expect(Math.abs(moment(2) - 10.5)).toBeLessThan((6 * Math.SQRT2 * 10.5) / Math.sqrt(total));
    expect(Math.abs(moment(3))).toBeLessThan(6 * Math.sqrt((15 * 10.5 ** 3) / total));
    const fourth = 3 * 10.5 ** 2 - 2 * 10.5 * 0.25;
    expect(Math.abs(moment(4) - fourth)).toBeLessThan((6 * Math.sqrt(105) * 10.5 ** 2) / Math.sqrt(total));
    const inner = counts.slice(21 - 13, 21 + 14);
    const chi = inner.reduce((sum, count, index) => {
      const expected = total * binomialHalf(42, index - 13 + 21);
      return sum + (count - expected) ** 2 / expected;
    }, 0);
    // 26 degrees of freedom: 70 is past the 10^-5 quantile.
    expect(chi).toBeLessThan(70);
  });

  it('10^7 ternary coefficients are even over -1, 0 and 1', () => {
    const counts = [0, 0, 0];
    for (let round = 0; round < rounds; round++) {
      arithmetic.drawTernary(systemRandomBytes(32), 0);
      for (const value of arithmetic.errors) counts[value + 1]!++;
    }
    const chi = counts.reduce((sum, count) => sum + (count - total / 3) ** 2 / (total / 3), 0);
    expect(chi).toBeLessThan(23);
  });

  it('no seed twice in 10^6', () => {
    const seen = new Set<string>();
    for (let count = 0; count < 10 ** 6; count++)
      seen.add(Buffer.from(systemRandomBytes(32)).toString('latin1'));
    expect(seen.size).toBe(10 ** 6);
  });
});

describe('products', () => {
  it('10^6 of random polynomials with a sparse key: the plain convolution, under primes of 14 to 60 bits', () => {
    const degree = 8;
    const primes = [16, 31, 40, 60].map((bits) => nttPrimes(degree, bits, 1)[0]!);
    const arithmetic = new RingArithmetic(ring, degree, primes);
    let products = 0;
    let wrong = 0;
    for (let keys = 0; keys < 250; keys++) {
      arithmetic.drawTernary(systemRandomBytes(32), 0);
      const key = Array.from(arithmetic.errors);
      arithmetic.setKey();
      for (let round = 0; round < 1000; round++, products += primes.length) {
        arithmetic.drawUniform(
          Uint8Array.from({ length: 32 }, (_, at) => (round >> at) & 255),
          {
            domain: 'publicPolynomial',
            index: keys,
          },
        );
        const values = new BigUint64Array(arithmetic.words.slice().buffer);
        arithmetic.multiplyByKey();
        const found = new BigUint64Array(arithmetic.words.slice().buffer);
        primes.forEach((prime, which) => {
          for (let at = 0; at < degree; at++) {
            let sum = 0n;
            key.forEach((factor, shift) => {
              const from = (at - shift + degree) % degree;
              const sign = at < shift ? -factor : factor;
              if (sign !== 0)
                sum += sign > 0 ? values[which * degree + from]! : -values[which * degree + from]!;
            });
            if (((sum % prime) + prime) % prime !== found[which * degree + at]) wrong++;
          }
        });
      }
    }
    expect(products).toBe(10 ** 6);
    expect(wrong).toBe(0);
  });
});

/** Probability of k heads in n fair coins. */
function binomialHalf(n: number, k: number): number {
  let probability = 2 ** -n;
  for (let index = 1; index <= k; index++) probability = (probability * (n - index + 1)) / index;
  return probability;
}
