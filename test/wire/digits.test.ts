/** What is dropped of coefficients under several primes, against exact integers. */
import { fc, runs } from '../support/properties.ts';
import { describe, expect, it } from 'vitest';
import { bitLength } from '../../compiler/base/interval.ts';
import { allSteps, digitBits, droppedOfDigits, dropStep, mostDropped } from '../../compiler/bfv/dropStep.ts';
import { droppedFromC0 } from '../../compiler/bfv/noise.ts';
import { polynomialBytes } from '../../compiler/bfv/wireBytes.ts';
import { nttPrimes } from '../../compiler/rings/primes.ts';
import { plainNumbers } from '../../runtime/evaluator/plainNumbers.ts';
import { codeBits, packedBytes, polynomialCode } from '../../runtime/wire/coefficients.ts';
import type { PolynomialCode, Positions } from '../../runtime/wire/coefficients.ts';
import { loadPacking, Packer } from '../../runtime/wire/packer.ts';
import { residuesOf, storeResidues } from '../ring/negacyclic.ts';

const module = await loadPacking();
const DEGREE = 64;

/** Different primes of these sizes. */
function primesOf(sizes: readonly number[]): bigint[] {
  const primes: bigint[] = [];
  for (const bits of sizes) primes.push(nttPrimes(1024, bits, 1, primes)[0]!);
  return primes;
}

const MODULI = [
  [28, 27],
  [34, 33],
  [60, 60],
  [14, 60],
  [60, 14],
  [20, 19, 18],
  [50, 31, 60, 17],
].map(primesOf);

function product(primes: readonly bigint[]): bigint {
  return primes.reduce((all, prime) => all * prime, 1n);
}

/** The distance of two numbers modulo q, around 0. */
function distance(left: bigint, right: bigint, q: bigint): bigint {
  const difference = (((left - right) % q) + q) % q;
  return difference > q / 2n ? q - difference : difference;
}

/** The number below q with these residues: by trying the multiples of one prime after another. */
function composed(residues: readonly bigint[], primes: readonly bigint[]): bigint {
  let [value, step] = [0n, 1n];
  residues.forEach((residue, index) => {
    const prime = primes[index]!;
    // step^-1 modulo the prime, by Fermat.
    let [inverse, square] = [1n, step % prime];
    for (let rest = prime - 2n; rest > 0n; rest >>= 1n) {
      if (rest & 1n) inverse = (inverse * square) % prime;
      square = (square * square) % prime;
    }
    const times = ((((residue - value) % prime) + prime) * inverse) % prime;
    value += step * times;
    step *= prime;
  });
  return value;
}

/** Sends coefficients, and gives what arrives with the bytes in between. */
function sent(
  values: readonly bigint[],
  primes: readonly bigint[],
  dropped: number,
  positions: Positions = null,
) {
  const code = polynomialCode({ dataPrimes: primes.map(String) }, dropped);
  const packer = new Packer(module, { degree: DEGREE, components: primes.length });
  storeResidues(
    packer.words,
    primes.map((prime) => values.map((value) => value % prime)),
  );
  const count = positions === null ? DEGREE : positions.length;
  const bytes = new Uint8Array(packedBytes(codeBits(code, count)));
  packer.write(bytes, 0, code, 0, positions);
  packer.words.fill(0);
  packer.read(bytes, 0, code, 0, positions, 'test');
  const residues = residuesOf(packer.words, DEGREE);
  const arrived = values.map((_, index) =>
    composed(
      residues.map((ofPrime) => ofPrime[index]!),
      primes,
    ),
  );
  return { code, bytes, arrived, residues };
}

/** The digits of a number, one a prime: the lowest is that of the last. */
function digitsOf(value: bigint, primes: readonly bigint[]): bigint[] {
  let rest = value;
  return [...primes]
    .reverse()
    .map((prime) => {
      const digit = rest % prime;
      rest /= prime;
      return digit;
    })
    .reverse();
}

/** The bits of a run as one integer. */
function asInteger(values: readonly bigint[], primes: readonly bigint[], { codes }: PolynomialCode): bigint {
  let [position, whole] = [0n, 0n];
  codes.forEach(({ dropped, bits }, which) => {
    for (const value of values) {
      whole |= (digitsOf(value, primes)[which]! >> BigInt(dropped)) << position;
      position += BigInt(bits);
    }
  });
  return whole;
}

function littleEndian(bytes: Uint8Array): bigint {
  return bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}

/** Coefficients at both ends of a step and of q, and anywhere. */
function valuesBelow(q: bigint, step: bigint): fc.Arbitrary<bigint[]> {
  const anywhere = fc.bigInt({ min: 0n, max: q - 1n });
  const end = fc
    .tuple(fc.bigInt({ min: 0n, max: q / step }), fc.constantFrom(-1n, 0n, 1n, step / 2n))
    .map(([times, beside]) => (times * step + beside + q) % q);
  const edge = fc.constantFrom(0n, 1n, q - 1n, q - 2n, q / 2n);
  return fc.array(fc.oneof(anywhere, end, edge), { minLength: DEGREE, maxLength: DEGREE });
}

describe.each(MODULI.map((primes) => [primes.map(bitLength).join(' + '), primes] as const))(
  'under primes of %s bits',
  (_, primes) => {
    const q = product(primes);
    const drops = fc.integer({ min: 1, max: mostDropped(primes) });

    it('coefficients are the digits that the format says, and come back within half a step', () => {
      fc.assert(
        fc.property(
          drops.chain((dropped) => fc.tuple(fc.constant(dropped), valuesBelow(q, dropStep(primes, dropped)))),
          ([dropped, values]) => {
            const { code, bytes, arrived, residues } = sent(values, primes, dropped);
            expect(littleEndian(bytes)).toBe(asInteger(values, primes, code));
            expect(bytes.length).toBe(polynomialBytes(primes.map(String), DEGREE, dropped));
            expect(codeBits(code, 1)).toBe(digitBits(primes) - dropped);
            const bound = droppedFromC0(dropStep(primes, dropped));
            arrived.forEach((value, index) => {
              expect(2n * distance(value, values[index]!, q) <= bound).toBe(true);
            });
            for (const [which, ofPrime] of residues.entries())
              expect(ofPrime.every((residue) => residue < primes[which]!)).toBe(true);
          },
        ),
        { numRuns: runs(60) },
      );
    });

    it('half a step is reached, whatever is dropped', () => {
      for (let dropped = 1; dropped <= mostDropped(primes); dropped += primes.length > 3 ? 5 : 1) {
        const step = dropStep(primes, dropped);
        const bound = droppedFromC0(step);
        // Both ends of the first steps, and of the last ones, cut by q.
        const ends = Array.from({ length: DEGREE }, (_unused, index) => {
          const low = BigInt(index >> 2) * step - (index & 1 ? 1n : 0n);
          return (((index & 2 ? q - low : low) % q) + q) % q;
        });
        const { arrived, residues } = sent(ends, primes, dropped);
        // The judge's own code, by the definition, makes the same of it: where a digit reaches its prime too.
        const plain = plainNumbers(primes, dropped, false);
        const restored = ends.map((end) => plain.restore(plain.cut(primes.map((prime) => end % prime))));
        expect(restored).toEqual(ends.map((_unused, index) => residues.map((ofPrime) => ofPrime[index]!)));
        const errors = arrived.map((value, index) => 2n * distance(value, ends[index]!, q));
        expect(errors.some((error) => error === bound)).toBe(true);
        expect(errors.every((error) => error <= bound)).toBe(true);
      }
    });

    it('nothing dropped is the residues as they are', () => {
      const values = Array.from({ length: DEGREE }, (_unused, index) => (q * BigInt(index)) / 64n);
      const { bytes, arrived, code } = sent(values, primes, 0);
      const residues = primes.flatMap((prime) => values.map((value) => value % prime));
      let [position, whole] = [0n, 0n];
      residues.forEach((residue, index) => {
        whole |= residue << position;
        position += BigInt(bitLength(primes[Math.floor(index / DEGREE)]!));
      });
      expect(littleEndian(bytes)).toBe(whole);
      expect(arrived).toEqual(values);
      expect(code.toDigits).toEqual([]);
    });

    it('only those at the positions are touched', () => {
      const positions = Int32Array.of(1, 5, 62);
      const values = Array.from({ length: DEGREE }, (_unused, index) => (q * BigInt(index)) / 64n);
      const { arrived } = sent(values, primes, primes.length, positions);
      arrived.forEach((value, index) => {
        if (!positions.includes(index)) expect(value).toBe(0n);
        else expect(distance(value, values[index]!, q) < 1n << BigInt(primes.length)).toBe(true);
      });
    });

    it('a digit from its prime on is refused', () => {
      for (const dropped of [1, bitLength(primes.at(-1)!), mostDropped(primes) - 3]) {
        const code = polynomialCode({ dataPrimes: primes.map(String) }, dropped);
        const packer = new Packer(module, { degree: DEGREE, components: primes.length });
        code.codes.forEach(({ bits, largest }, which) => {
          if ((largest + 1n) >> BigInt(bits) !== 0n) return;
          const before = code.codes.slice(0, which).reduce((sum, other) => sum + other.bits * DEGREE, 0);
          const read = (value: bigint): void => {
            const bytes = new Uint8Array(packedBytes(codeBits(code, DEGREE)));
            for (let bit = 0; bit < bits; bit++) {
              const at = before + 3 * bits + bit;
              if ((value >> BigInt(bit)) & 1n) bytes[at >> 3]! |= 1 << (at & 7);
            }
            packer.read(bytes, 0, code, 0, null, 'test');
          };
          read(largest);
          const found = `${largest + 1n} at coefficient 3`;
          expect(() => {
            read(largest + 1n);
          }).toThrow(expect.objectContaining({ details: expect.objectContaining({ found }) as object }));
        });
      }
    });
  },
);

describe('steps', () => {
  it('are powers of two under one prime, ascend, and reach the top digit', () => {
    expect(allSteps(primesOf([26]))).toEqual(Array.from({ length: 25 }, (_, bits) => 1n << BigInt(bits)));
    for (const primes of MODULI) {
      const steps = allSteps(primes);
      expect(steps.length).toBe(digitBits(primes) - 1);
      expect(steps.every((step, index) => index === 0 || step > steps[index - 1]!)).toBe(true);
      expect(steps.every((step) => step < product(primes))).toBe(true);
    }
  });

  it('take whole digits from the last prime on, then bits of the next', () => {
    const [first, second, third] = primesOf([20, 19, 18]) as [bigint, bigint, bigint];
    const primes = [first, second, third];
    expect(droppedOfDigits(primes, 17)).toEqual([0, 0, 17]);
    expect(dropStep(primes, 18)).toBe(third);
    expect(droppedOfDigits(primes, 21)).toEqual([0, 3, 18]);
    expect(dropStep(primes, 21)).toBe(third * 8n);
    expect(dropStep(primes, 18 + 19 + 2)).toBe(second * third * 4n);
  });
});
