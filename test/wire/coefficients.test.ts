import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nttPrimes } from '../../compiler/modulus.ts';
import { BitReader, BitWriter, packedBytes } from '../../runtime/wire/bits.ts';
import { coefficientCode, readCoefficients, writeCoefficients } from '../../runtime/wire/coefficients.ts';

function toWords(values: readonly bigint[]): Uint32Array {
  return Uint32Array.from(values.flatMap((value) => [Number(value & 0xffffffffn), Number(value >> 32n)]));
}

function fromWords(words: Uint32Array): bigint[] {
  return Array.from(
    { length: words.length / 2 },
    (_, index) => (BigInt(words[2 * index + 1]!) << 32n) | BigInt(words[2 * index]!),
  );
}

function roundTrip(prime: bigint, dropped: number, values: readonly bigint[]): bigint[] {
  const code = coefficientCode(prime, dropped);
  const bytes = new Uint8Array(packedBytes(values.length * code.bits));
  const writer = new BitWriter(8 * bytes.length);
  writeCoefficients(writer, code, toWords(values), null);
  expect(writer.finish(bytes, 0)).toBe(bytes.length);
  const reader = new BitReader(bytes);
  const words = new Uint32Array(2 * values.length);
  readCoefficients(reader, code, words, null, 'test');
  reader.finish('test');
  return fromWords(words);
}

/** Distance modulo the prime, around 0. */
function distance(left: bigint, right: bigint, prime: bigint): bigint {
  const difference = (((left - right) % prime) + prime) % prime;
  return difference > prime / 2n ? prime - difference : difference;
}

describe('coefficients on the wire', () => {
  for (const bits of [14, 26, 31, 32, 33, 45, 60]) {
    const prime = nttPrimes(1024, bits, 1)[0]!;
    it(`of ${bits} bits come back within half a step, whatever is dropped`, () => {
      fc.assert(
        fc.property(
          fc.array(fc.bigInt({ min: 0n, max: prime - 1n })),
          fc.integer({ min: 0, max: bits - 2 }),
          (random, dropped) => {
            const values = [0n, 1n, prime - 1n, prime >> 1n, ...random];
            const restored = roundTrip(prime, dropped, values);
            const bound = dropped === 0 ? 0n : 1n << BigInt(dropped - 1);
            restored.forEach((value, index) => {
              expect(value < prime).toBe(true);
              expect(distance(value, values[index]!, prime) <= bound).toBe(true);
            });
          },
        ),
        { numRuns: 100 },
      );
    });

    it(`of ${bits} bits are refused from the prime on`, () => {
      for (const dropped of [0, 3]) {
        const code = coefficientCode(prime, dropped);
        const largest = (prime - 1n) >> BigInt(dropped);
        for (const [value, fits] of [
          [largest, true],
          [largest + 1n, false],
        ] as const) {
          if (value >> BigInt(code.bits) !== 0n) continue;
          const bytes = new Uint8Array(16);
          const writer = new BitWriter(8 * bytes.length);
          writer.putRun(toWords([value]), 1, code.bits);
          writer.finish(bytes, 0);
          const read = (): void => {
            readCoefficients(new BitReader(bytes), code, new Uint32Array(2), null, 'test');
          };
          if (fits) expect(read).not.toThrow();
          else expect(read).toThrow(/not below its modulus/);
        }
      }
    });
  }

  it('travel only where positions say, the rest stays as it is', () => {
    const prime = nttPrimes(1024, 26, 1)[0]!;
    const code = coefficientCode(prime, 0);
    const positions = Int32Array.of(1, 3);
    const bytes = new Uint8Array(packedBytes(2 * code.bits));
    const writer = new BitWriter(8 * bytes.length);
    writeCoefficients(writer, code, toWords([7n, 8n, 9n, 10n]), positions);
    writer.finish(bytes, 0);
    const words = new Uint32Array(8);
    readCoefficients(new BitReader(bytes), code, words, positions, 'test');
    expect(fromWords(words)).toEqual([0n, 8n, 0n, 10n]);
  });
});
