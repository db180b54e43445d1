import { describe, expect, it } from 'vitest';
import { nttPrimes } from '../../compiler/rings/primes.ts';
import { RingArithmetic } from '../../runtime/ring/arithmetic.ts';
import { loadRing } from '../../runtime/ring/module.ts';
import { makeMemory } from '../../runtime/wasm.ts';

const module = await loadRing();
const KEY = Uint8Array.from({ length: 32 }, (_, index) => index);

/** The words that a block starts from, RFC 8439 section 2.3. */
function startWords(counter: number, nonce: readonly number[]): number[] {
  const key = Array.from(new Uint32Array(KEY.buffer));
  return [0x61707865, 0x3320646e, 0x79622d32, 0x6b206574, ...key, counter, ...nonce];
}

function blocks(words: readonly number[]): Uint8Array {
  const memory = makeMemory(4096);
  const exports = module.instantiate(memory);
  new Uint32Array(memory.buffer).set(words, 256);
  exports.chacha(1024, 2048);
  return new Uint8Array(memory.buffer, 2048, 256).slice();
}

describe('ChaCha20', () => {
  // RFC 8439 section 2.3.2.
  const nonce = [0x09000000, 0x4a000000, 0];
  const expected =
    '10f1e7e4d13b5915500fdd1fa32071c4c7d1f4c733c068030422aa9ac3d46c4e' +
    'd2826446079faa0914c2d705d98b02a2b5129cd1de164eb9cbd083e8a2503c4e';

  it.each([0, 1])('gives the block of RFC 8439, in lane %i', (lane) => {
    const found = blocks(startWords(1 - lane, nonce));
    expect(Buffer.from(found.subarray(64 * lane, 64 * lane + 64)).toString('hex')).toBe(expected);
  });

  it('counts in 64 bits: four blocks side by side are four one after another', () => {
    const side = blocks(startWords(0xfffffffe, [7, 1, 2]));
    for (let block = 0; block < 4; block++) {
      const counter = (0xfffffffe + block) % 2 ** 32;
      const carry = block < 2 ? 7 : 8;
      expect(side.subarray(64 * block, 64 * block + 64)).toEqual(
        blocks(startWords(counter, [carry, 1, 2])).subarray(0, 64),
      );
    }
  });
});

describe('draws', () => {
  const degree = 4096;
  const prime = Number(nttPrimes(degree, 17, 1)[0]!);
  const arithmetic = new RingArithmetic(module, degree, [BigInt(prime)]);
  const rounds = 64;

  it('uniform residues are below the prime, reach both ends, and are even over sixteen parts', () => {
    const parts = new Array<number>(16).fill(0);
    let [least, most] = [prime, 0];
    for (let round = 0; round < rounds; round++) {
      for (const value of uniform(KEY, round)) {
        least = Math.min(least, value);
        most = Math.max(most, value);
        parts[Math.floor((16 * value) / prime)]!++;
      }
    }
    expect(least).toBeLessThan(16);
    expect(most).toBeLessThan(prime);
    expect(most).toBeGreaterThan(prime - 16);
    // Chi-square with 15 degrees of freedom: 44.3 is the 10^-4 quantile.
    expect(chiSquare(parts, new Array<number>(16).fill((rounds * degree) / 16))).toBeLessThan(44.3);
  });

  it('ternary keys are even over -1, 0 and 1', () => {
    const counts = [0, 0, 0];
    for (let round = 0; round < rounds; round++) {
      arithmetic.drawTernary(KEY, round);
      for (const value of arithmetic.errors) counts[value + 1]!++;
    }
    // Two degrees of freedom: 18.4 is the 10^-4 quantile.
    expect(chiSquare(counts, new Array<number>(3).fill((rounds * degree) / 3))).toBeLessThan(18.4);
  });

  it('errors are 21 coins minus 21 coins', () => {
    const counts = new Array<number>(43).fill(0);
    for (let round = 0; round < rounds; round++) {
      arithmetic.drawErrors(KEY, round);
      for (const value of arithmetic.errors) counts[value + 21]!++;
    }
    const total = rounds * degree;
    const mean = counts.reduce((sum, count, index) => sum + count * (index - 21), 0) / total;
    const square = counts.reduce((sum, count, index) => sum + count * (index - 21) ** 2, 0) / total;
    // Five standard errors: sqrt(10.5 / 262144) for the mean, about sqrt(2) * 10.5 / 512 for the variance.
    expect(Math.abs(mean)).toBeLessThan(5 * Math.sqrt(10.5 / total));
    expect(Math.abs(square - 10.5)).toBeLessThan((5 * Math.SQRT2 * 10.5) / Math.sqrt(total));
    const inner = counts.slice(21 - 11, 21 + 12);
    const expected = inner.map((_, index) => total * binomialHalf(42, index - 11 + 21));
    // 22 degrees of freedom and what lies outside: 56 is past the 10^-4 quantile.
    expect(chiSquare(inner, expected)).toBeLessThan(56);
  });

  it('the same seed gives the same draws, another number, domain or key others', () => {
    arithmetic.drawErrors(KEY, 1);
    const first = arithmetic.errors.slice();
    arithmetic.drawErrors(KEY, 2);
    expect(arithmetic.errors).not.toEqual(first);
    arithmetic.drawErrors(
      KEY.map((byte) => byte ^ 1),
      1,
    );
    expect(arithmetic.errors).not.toEqual(first);
    arithmetic.drawErrors(KEY, 1);
    expect(arithmetic.errors).toEqual(first);
  });

  /** Residues drawn from a key. */
  function uniform(key: Uint8Array, index: number): number[] {
    arithmetic.drawUniform(key, { domain: 'publicPolynomial', index });
    return Array.from({ length: degree }, (_, at) => arithmetic.words[2 * at]!);
  }
});

function chiSquare(counts: readonly number[], expected: readonly number[]): number {
  return counts.reduce((sum, count, index) => sum + (count - expected[index]!) ** 2 / expected[index]!, 0);
}

/** Probability of k heads in n fair coins. */
function binomialHalf(n: number, k: number): number {
  let probability = 2 ** -n;
  for (let index = 1; index <= k; index++) probability = (probability * (n - index + 1)) / index;
  return probability;
}
