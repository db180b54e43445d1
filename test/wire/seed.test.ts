import { afterEach, describe, expect, it } from 'vitest';
import { isPrime, nttPrimes } from '../../compiler/rings/primes.ts';
import type { Degree } from '../../compiler/bfv/security.ts';
import { createContext } from '../../runtime/seal/context.ts';
import type { BfvContext } from '../../runtime/seal/context.ts';
import { ciphertextFrames } from '../../runtime/seal/ciphertext.ts';
import { CIPHERTEXT_WORDS_AT, saveBytes, wordHalves } from '../../runtime/seal/envelope.ts';
import { loadSeal } from '../../runtime/seal/module.ts';
import { liveSealObjects, withScope } from '../../runtime/seal/scope.ts';
import { loadPacking, Packer } from '../../runtime/wire/packer.ts';
import { randomIntegers } from '../support/specs.ts';
import type { Parameters } from '../../compiler/bfv/parameters.ts';

const [seal, packing] = await Promise.all([loadSeal(), loadPacking()]);

afterEach(() => {
  expect(liveSealObjects()).toBe(0);
});

/** c1 as SEAL expands it, in 32-bit halves: a seeded envelope of zeros with this seed, loaded and saved whole. */
function expandedBySeal(context: BfvContext, parameters: Parameters, seed: Uint8Array): Uint32Array {
  return withScope((scope) => {
    const { seeded } = ciphertextFrames(seal, context);
    const envelope = new Uint8Array(seeded.byteLength);
    envelope.set(seeded.head);
    envelope.set(seeded.seedHead, seeded.byteLength - 64 - seeded.seedHead.length);
    envelope.set(seed, seeded.byteLength - 64);
    const ciphertext = scope.own(new seal.Ciphertext());
    ciphertext.loadFromArray(context.context, envelope);
    const words = parameters.degree * parameters.dataPrimes.length;
    const halves = wordHalves(saveBytes(seal, ciphertext), CIPHERTEXT_WORDS_AT, 2 * words);
    return halves.slice(2 * words);
  });
}

function parametersOf(degree: Degree, primes: readonly bigint[]): Parameters {
  const specialPrime = primes.length === 1 ? null : nttPrimes(degree, 59, 1)[0]!.toString();
  return { degree, plainModulus: 17, dataPrimes: primes.map(String), specialPrime, securityBits: 128 };
}

/** A prime under which one word in about 33 is refused: 2^64 is 16 times it and a half. */
function refusingPrime(degree: Degree): bigint {
  const step = 2n * BigInt(degree);
  let candidate = (2n ** 65n / 33n / step) * step + 1n;
  while (!isPrime(candidate)) candidate -= step;
  return candidate;
}

function expectSame(degree: Degree, primes: readonly bigint[], rounds: number): void {
  const parameters = parametersOf(degree, primes);
  withScope((scope) => {
    expectExpansion(createContext(scope, seal, parameters), parameters, primes, rounds);
  });
}

function expectExpansion(
  context: BfvContext,
  parameters: Parameters,
  primes: readonly bigint[],
  rounds: number,
): void {
  const { degree } = parameters;
  const packer = new Packer(packing, { degree, components: 2 * primes.length });
  const words = 2 * degree * primes.length;
  const random = randomIntegers(degree + Number(primes[0]! % 1000n));
  const beside = new Uint32Array(words).fill(7);
  for (let round = 0; round < rounds; round++) {
    const seed = Uint8Array.from({ length: 64 }, () => (round === 0 ? 0 : random(0, 255)));
    packer.words.fill(7);
    packer.expandSeed(seed, primes, primes.length);
    expect(
      Buffer.compare(
        asBytes(packer.words.subarray(words)),
        asBytes(expandedBySeal(context, parameters, seed)),
      ),
    ).toBe(0);
    // What stands beside it stays.
    expect(Buffer.compare(asBytes(packer.words.subarray(0, words)), asBytes(beside))).toBe(0);
  }
}

function asBytes({ buffer, byteOffset, byteLength }: Uint32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

const CASES: readonly (readonly [Degree, number, number])[] = [
  [1024, 14, 1],
  [1024, 26, 1],
  [2048, 33, 1],
  [4096, 60, 1],
  [8192, 33, 1],
  [8192, 60, 2],
  [16384, 45, 5],
  [32768, 58, 3],
];

describe('the expansion of a seed', () => {
  it.each(CASES)("N = %i, primes of %i bits, %i of them: SEAL's own words", (degree, bits, count) => {
    expectSame(degree, nttPrimes(degree, bits, count), 8);
  });

  it.each<Degree>([4096, 8192, 16384])(
    'N = %i, a prime that refuses one word in 33: further words of the stream',
    (degree) => {
      const prime = refusingPrime(degree);
      const refusedOf = Number(1n << 64n) / Number((1n << 64n) % prime);
      expect(refusedOf).toBeLessThan(40);
      expectSame(degree, [prime], 8);
    },
  );
});
