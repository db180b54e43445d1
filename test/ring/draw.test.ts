import { describe, expect, it } from 'vitest';
import { isPrime, nttPrimes } from '../../compiler/rings/primes.ts';
import { nonceOf, UniformDraw } from '../../runtime/ring/draw.ts';
import type { DrawnPolynomial } from '../../runtime/ring/draw.ts';
import { loadRing } from '../../runtime/ring/module.ts';
import { loadPacking } from '../../runtime/wire/packer.ts';
import { chachaBlock, uniformReference } from './chachaReference.ts';

const modules = { ring: await loadRing(), packing: await loadPacking() };
const KEY = Uint8Array.from({ length: 32 }, (_, index) => index);

describe('the reference', () => {
  it('gives the block of RFC 8439, section 2.3.2', () => {
    // The RFC's counter has 32 bits and its nonce 96: the first word of that nonce is our counter's high half.
    const block = chachaBlock(KEY, 1n + (0x09000000n << 32n), [0x4a000000, 0]);
    expect(Buffer.from(block).toString('hex')).toBe(
      '10f1e7e4d13b5915500fdd1fa32071c4c7d1f4c733c068030422aa9ac3d46c4e' +
        'd2826446079faa0914c2d705d98b02a2b5129cd1de164eb9cbd083e8a2503c4e',
    );
  });

  it('gives the key stream of RFC 8439, appendix A.1, vectors 1 and 3', () => {
    const zero = new Uint8Array(32);
    expect(Buffer.from(chachaBlock(zero, 0n, [0, 0])).toString('hex')).toBe(
      '76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7' +
        'da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586',
    );
    const last = new Uint8Array(32).fill(1, 31);
    expect(Buffer.from(chachaBlock(last, 1n, [0, 0])).toString('hex')).toBe(
      '3aeb5224ecf849929b9d828db1ced4dd832025e8018b8160b82284f3c949aa5a' +
        '8eca00bbb4a73bdad192b5c42f73f2fd4e273644c8b36125a64addeb006c13a0',
    );
  });
});

describe('uniform polynomials', () => {
  const cases = [
    [64, [14]],
    [1024, [26]],
    [2048, [31]],
    [2048, [32]],
    [1024, [50, 60]],
    [4096, [17, 33, 60]],
  ] as const;
  for (const name of ['ring', 'packing'] as const) {
    it.each(cases)(`N = %i, primes of %j bits: the reference's, word by word (${name})`, (degree, bits) => {
      const primes = bits.map((size) => nttPrimes(degree, size, 1)[0]!);
      const draw = new UniformDraw(modules[name], degree, primes);
      for (const polynomial of [
        { domain: 'seededC1', index: 0 },
        { domain: 'publicPolynomial', index: 7 },
      ] satisfies DrawnPolynomial[]) {
        const words = draw.draw(KEY, polynomial);
        primes.forEach((prime, which) => {
          const found = Array.from(
            { length: degree },
            (_, at) =>
              BigInt(words[2 * (which * degree + at)]!) |
              (BigInt(words[2 * (which * degree + at) + 1]!) << 32n),
          );
          expect(found).toEqual(uniformReference(KEY, nonceOf(polynomial, which), prime, degree));
        });
      }
    });
  }

  it('a prime just past a power of two leaves out half of the draws, and the order stays', () => {
    const degree = 256;
    for (const bits of [30n, 40n]) {
      let prime = (1n << (bits - 1n)) + 1n;
      while (!isPrime(prime)) prime += 2n * BigInt(degree);
      const words = new UniformDraw(modules.ring, degree, [prime]).draw(KEY, {
        domain: 'seededC1',
        index: 0,
      });
      const expected = uniformReference(KEY, nonceOf({ domain: 'seededC1', index: 0 }, 0), prime, degree);
      expect(
        Array.from(
          { length: degree },
          (_, at) => BigInt(words[2 * at]!) | (BigInt(words[2 * at + 1]!) << 32n),
        ),
      ).toEqual(expected);
    }
  });

  it('another key, domain, number or prime index gives other words', () => {
    const degree = 64;
    const primes = nttPrimes(degree, 26, 1);
    const draw = new UniformDraw(modules.ring, degree, [primes[0]!, primes[0]!]);
    const first = draw.draw(KEY, { domain: 'seededC1', index: 0 }).slice();
    expect(first.subarray(0, 2 * degree)).not.toEqual(first.subarray(2 * degree));
    expect(draw.draw(KEY, { domain: 'publicPolynomial', index: 0 })).not.toEqual(first);
    expect(draw.draw(KEY, { domain: 'seededC1', index: 1 })).not.toEqual(first);
    expect(
      draw.draw(
        KEY.map((byte) => byte ^ 1),
        { domain: 'seededC1', index: 0 },
      ),
    ).not.toEqual(first);
    expect(draw.draw(KEY, { domain: 'seededC1', index: 0 })).toEqual(first);
  });
});
