import { describe, expect, it } from 'vitest';
import { nttPrimes } from '../../compiler/rings/primes.ts';
import { hasLanes, modulusLanes } from '../../runtime/ring/lanePrimes.ts';
import { loadRing } from '../../runtime/ring/module.ts';
import { hasRowProducts, RowProducts } from '../../runtime/ring/rowProducts.ts';
import { negacyclicProduct, residuesOf, storeResidues } from './negacyclic.ts';
import { randomNumbers } from './numbers.ts';

const module = await loadRing();

function primeOf(degree: number, bits: number): bigint {
  return nttPrimes(degree, bits, 1)[0]!;
}

describe('sums of products of sparse polynomials with kept ones', () => {
  const cases = [
    [64, [20], 40, 100],
    [128, [31], 128, 100],
    [64, [33], 64, 127],
    // Three lanes at the widest norm, and several primes.
    [64, [60], 64, 30000],
    [128, [26, 27], 60, 5],
    [64, [31, 52, 40], 20, 32767],
  ] as const;
  it.each(cases)(
    'N = %i, primes of %j bits, %i taps of at most %i: the definition',
    (degree, bits, taps, most) => {
      const primes = bits.map((size) => primeOf(degree, size));
      const draw = randomNumbers(degree + bits[0]);
      const inputs = 3;
      const shape = { degree, primes, rowL1: inputs * taps * most, largest: most };
      expect(hasRowProducts(shape)).toBe(true);
      const products = new RowProducts(module, shape, { inputs, polynomials: inputs, sums: 2 });
      for (const round of ['most', 'least', 'drawn']) {
        const kept = Array.from({ length: inputs }, () =>
          primes.map((prime) =>
            // The ends of the centred range, where a sign would be lost first.
            Array.from({ length: degree }, () =>
              round === 'drawn' ? (BigInt(draw()) * 65521n * BigInt(draw())) % prime : (prime - 1n) / 2n,
            ),
          ),
        );
        const polynomials = kept.map(() => {
          const exponents = Int32Array.from({ length: taps }, (_, tap) => Math.floor((tap * degree) / taps));
          const value = (): number => (draw() % (2 * most + 1)) - most;
          const values = exponents.map(() => (round === 'drawn' ? value() : round === 'most' ? most : -most));
          return { exponents, values };
        });
        kept.forEach((values, input) => {
          storeResidues(products.words, values);
          products.keepInput(input);
        });
        polynomials.forEach((polynomial, number) => {
          products.keepPolynomial(number, polynomial);
        });
        // Twice, beside another sum: nothing of a row is left for the next.
        for (let time = 0; time < 2; time++) {
          products.clear(0);
          products.clear(1);
          kept.forEach((_, input) => {
            products.add(1, input, input);
            products.add(0, input, (input + 1) % inputs);
          });
          products.finish(1);
        }
        const expected = primes.map((prime, which) => {
          const sum = new Array<bigint>(degree).fill(0n);
          polynomials.forEach(({ exponents, values }, input) => {
            const dense = new Array<bigint>(degree).fill(0n);
            exponents.forEach((exponent, tap) => (dense[exponent] = BigInt(values[tap]!)));
            const product = negacyclicProduct(kept[input]![which]!, dense, prime);
            product.forEach((value, at) => (sum[at] = (sum[at]! + value) % prime));
          });
          return sum;
        });
        expect(residuesOf(products.words, degree)).toEqual(expected);
      }
    },
  );

  it('has as many lanes as the norm needs, and none past three', () => {
    const prime = primeOf(2048, 51);
    expect(modulusLanes(2048, prime, 2 ** 9).lanes.length).toBe(2);
    expect(modulusLanes(2048, prime, 2 ** 12).lanes.length).toBe(3);
    const widest = primeOf(2048, 60);
    expect(hasLanes(widest, 2 ** 28)).toBe(true);
    expect(modulusLanes(2048, widest, 2 ** 28).lanes.length).toBe(3);
    expect(hasLanes(widest, 2 ** 34)).toBe(false);
    expect(() => modulusLanes(2048, widest, 2 ** 34)).toThrow('do not fit three lanes');
    expect(hasLanes(primeOf(2048, 31), 2 ** 52)).toBe(true);
  });

  it('takes coefficients up to its smallest lane, and no larger', () => {
    const prime = primeOf(64, 14);
    const shape = { degree: 64, primes: [primeOf(64, 33), prime], rowL1: 100 };
    const largest = Number(prime) - 1;
    const room = { inputs: 1, polynomials: 1, sums: 1 };
    expect(hasRowProducts({ ...shape, largest })).toBe(true);
    expect(hasRowProducts({ ...shape, largest: largest + 1 })).toBe(false);
    expect(() => new RowProducts(module, { ...shape, largest: largest + 1 }, room)).toThrow('do not hold');
  });

  it('works in all that 32 bits address', () => {
    const degree = 4096;
    const prime = primeOf(degree, 20);
    const shape = { degree, primes: [prime], rowL1: 8, largest: 8 };
    // Nearly 4 GiB, of which few pages are ever touched: the last polynomial and the sum lie at their end.
    const polynomials = (2 ** 32 - 2 ** 22) / (4 * degree);
    const products = new RowProducts(module, shape, { inputs: 1, polynomials, sums: 1 });
    expect(products.byteLength).toBeGreaterThan(2 ** 32 - 2 ** 23);
    const input = Array.from({ length: degree }, (_, at) => BigInt(at) % prime);
    storeResidues(products.words, [input]);
    products.keepInput(0);
    products.keepPolynomial(polynomials - 1, {
      exponents: Int32Array.of(0, 1),
      values: Int32Array.of(3, -2),
    });
    products.clear(0);
    products.add(0, 0, polynomials - 1);
    products.finish(0);
    const dense = new Array<bigint>(degree).fill(0n);
    dense[0] = 3n;
    dense[1] = -2n;
    expect(residuesOf(products.words, degree)).toEqual([negacyclicProduct(input, dense, prime)]);
  });
});
