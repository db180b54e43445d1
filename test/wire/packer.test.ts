import { fc, runs } from '../support/properties.ts';
import { describe, expect, it } from 'vitest';
import { nttPrimes } from '../../compiler/rings/primes.ts';
import { codeBits, packedBytes, polynomialCode, residueCode } from '../../runtime/wire/coefficients.ts';
import type { CoefficientCode } from '../../runtime/wire/coefficients.ts';
import { loadPacking, Packer } from '../../runtime/wire/packer.ts';

const module = await loadPacking();
const DEGREE = 64;

function toWords(values: readonly bigint[]): Uint32Array {
  return Uint32Array.from(values.flatMap((value) => [Number(value & 0xffffffffn), Number(value >> 32n)]));
}

function fromWords(words: Uint32Array): bigint[] {
  return Array.from(
    { length: words.length / 2 },
    (_, index) => (BigInt(words[2 * index + 1]!) << 32n) | BigInt(words[2 * index]!),
  );
}

/** The bits of a run as one integer, sum of value * 2^position: what packing means, without any shifting of halves. */
function asInteger(values: readonly bigint[], codes: readonly CoefficientCode[]): bigint {
  let position = 0n;
  let whole = 0n;
  codes.forEach(({ dropped, bits }, component) => {
    const count = values.length / codes.length;
    for (const value of values.slice(component * count, (component + 1) * count)) {
      whole |= (value >> BigInt(dropped)) << position;
      position += BigInt(bits);
    }
  });
  return whole;
}

function littleEndian(bytes: Uint8Array): bigint {
  return bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}

/** Distance modulo the prime, around 0. */
function distance(left: bigint, right: bigint, prime: bigint): bigint {
  const difference = (((left - right) % prime) + prime) % prime;
  return difference > prime / 2n ? prime - difference : difference;
}

function valuesBelow(prime: bigint, count: number): fc.Arbitrary<bigint[]> {
  const edge = fc.constantFrom(0n, 1n, prime - 1n, prime >> 1n);
  const value = fc.oneof({ weight: 4, arbitrary: fc.bigInt({ min: 0n, max: prime - 1n }) }, edge);
  return fc.array(value, { minLength: count, maxLength: count });
}

describe('coefficients on the wire', () => {
  for (const bits of [14, 16, 26, 31, 32, 33, 45, 60]) {
    const prime = nttPrimes(1024, bits, 1)[0]!;

    it(`of ${bits} bits are the integer that the format says, and come back within half a step`, () => {
      fc.assert(
        fc.property(
          valuesBelow(prime, DEGREE),
          fc.integer({ min: 0, max: bits - 2 }),
          fc.integer({ min: 0, max: 9 }),
          (values, dropped, offset) => {
            const code = polynomialCode({ dataPrimes: [String(prime)] }, dropped);
            const { codes } = code;
            const packer = new Packer(module, { degree: DEGREE, components: 1 });
            packer.words.set(toWords(values));
            const length = packedBytes(DEGREE * codes[0]!.bits);
            const bytes = new Uint8Array(offset + length + 3).fill(0xa5);
            expect(packer.write(bytes, offset, code, 0, null)).toBe(offset + length);
            const written = bytes.subarray(offset, offset + length);
            expect(littleEndian(written)).toBe(asInteger(values, codes));
            const beside = [...bytes.subarray(0, offset), ...bytes.subarray(offset + length)];
            expect(beside.every((byte) => byte === 0xa5)).toBe(true);
            packer.words.fill(0);
            expect(packer.read(bytes, offset, code, 0, null, 'test')).toBe(offset + length);
            const bound = dropped === 0 ? 0n : 1n << BigInt(dropped - 1);
            fromWords(packer.words).forEach((value, index) => {
              expect(value < prime).toBe(true);
              expect(distance(value, values[index]!, prime) <= bound).toBe(true);
            });
          },
        ),
        { numRuns: runs(60) },
      );
    });

    it(`of ${bits} bits are refused from the prime on, wherever they stand`, () => {
      fc.assert(
        fc.property(fc.nat({ max: DEGREE - 1 }), fc.constantFrom(0, 3), (at, dropped) => {
          const polynomial = polynomialCode({ dataPrimes: [String(prime)] }, dropped);
          const code = polynomial.codes[0]!;
          const bytes = new Uint8Array(packedBytes(DEGREE * code.bits));
          const packer = new Packer(module, { degree: DEGREE, components: 1 });
          const put = (value: bigint): void => {
            const values = new Array<bigint>(DEGREE).fill(0n);
            values[at] = value;
            let whole = asInteger(values, [{ ...code, dropped: 0 }]);
            for (let index = 0; index < bytes.length; index++, whole >>= 8n)
              bytes[index] = Number(whole & 255n);
          };
          const read = (): number => packer.read(bytes, 0, polynomial, 0, null, 'test');
          put(code.largest);
          expect(read).not.toThrow();
          if ((code.largest + 1n) >> BigInt(code.bits) !== 0n) return;
          put(code.largest + 1n);
          const found = `${code.largest + 1n} at coefficient ${at}`;
          expect(read).toThrow(
            expect.objectContaining({ details: expect.objectContaining({ found }) as object }),
          );
        }),
        { numRuns: runs(40) },
      );
    });
  }

  it('of several primes follow each other bit by bit', () => {
    const primes = nttPrimes(1024, 37, 3);
    const code = residueCode(primes);
    fc.assert(
      fc.property(fc.tuple(...primes.map((prime) => valuesBelow(prime, 7))), (parts) => {
        const values = parts.flat();
        const packer = new Packer(module, { degree: 7, components: 4 });
        packer.words.set(toWords(values), 2 * 7);
        const bytes = new Uint8Array(packedBytes(7 * 3 * 37));
        packer.write(bytes, 0, code, 1, null);
        expect(littleEndian(bytes)).toBe(asInteger(values, code.codes));
        packer.words.fill(0);
        packer.read(bytes, 0, code, 1, null, 'test');
        expect(fromWords(packer.words)).toEqual([...new Array<bigint>(7).fill(0n), ...values]);
      }),
      { numRuns: runs(100) },
    );
  });

  it('travel only where positions say, the rest stays as it is', () => {
    const code = residueCode(nttPrimes(1024, 26, 1));
    const packer = new Packer(module, { degree: 4, components: 1 });
    for (const [positions, expected] of [
      [Int32Array.of(1, 3), [0n, 8n, 0n, 10n]],
      [Int32Array.of(0), [7n, 0n, 0n, 0n]],
      [new Int32Array(0), [0n, 0n, 0n, 0n]],
    ] as const) {
      const bytes = new Uint8Array(packedBytes(codeBits(code, positions.length)));
      packer.words.set(toWords([7n, 8n, 9n, 10n]));
      packer.write(bytes, 0, code, 0, positions);
      packer.words.fill(0);
      packer.read(bytes, 0, code, 0, positions, 'test');
      expect(fromWords(packer.words)).toEqual(expected);
    }
  });

  it('have one encoding: the bits that fill up the last byte are zero', () => {
    const code = residueCode(nttPrimes(1024, 26, 1));
    const packer = new Packer(module, { degree: 1, components: 1 });
    const read = (last: number): number =>
      packer.read(Uint8Array.of(1, 0, 0, last), 0, code, 0, null, 'test');
    expect(() => read(0)).not.toThrow();
    for (const filling of [0b100, 0b1000, 0x80]) expect(() => read(filling)).toThrow(/not zero/);
  });
});
