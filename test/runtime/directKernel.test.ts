import { fc, runs } from '../support/properties.ts';
import { describe, expect, it } from 'vitest';
import { nttPrimes } from '../../compiler/rings/primes.ts';
import { scheduleSteps } from '../../compiler/toeplitz/direct/steps.ts';
import { DirectKernel } from '../../runtime/evaluator/direct/kernel.ts';
import { POLYNOMIALS } from '../../runtime/evaluator/direct/lists.ts';
import type { KernelSource } from '../../runtime/evaluator/direct/lists.ts';
import { loadDirect } from '../../runtime/evaluator/direct/module.ts';
import { randomIntegers } from '../support/specs.ts';
import { largestLaneL1, limbsFor } from '../../compiler/rings/digits.ts';
import type { RingPlaintext, ToeplitzProgram } from '../../compiler/toeplitz/program.ts';

const DEGREE = 1024;
const make = await loadDirect();

function polynomial(terms: readonly (readonly [exponent: number, value: number])[]): RingPlaintext {
  return {
    exponents: Int32Array.from(terms, ([exponent]) => exponent),
    values: Int32Array.from(terms, ([, value]) => value),
  };
}

/** A program of one row per list of polynomials, polynomial c acting on input chunk c; every output is read. */
function programOf(rows: readonly (readonly RingPlaintext[])[]): ToeplitzProgram {
  const plaintexts = rows.flat();
  let next = 0;
  const everywhere = Int32Array.from({ length: DEGREE }, (_, index) => index);
  return {
    lowering: 'toeplitz',
    degree: DEGREE,
    plainModulus: 1_000_003,
    plaintexts,
    rows: rows.map((row) => row.map((_, chunk) => ({ chunk, plaintext: next++ }))),
    blockGroups: [
      { inputs: [], outputs: rows.map(() => ({ coefficients: everywhere, elements: everywhere })) },
    ],
  };
}

type Numbers = Pick<KernelSource, 'computed' | 'droppedBits'>;

const BOTH: Numbers = { computed: 'both', droppedBits: 0 };

/** Runs the kernel on the polynomials of every chunk; results as bigints, [row][component]. */
function runKernel(
  program: ToeplitzProgram,
  primes: readonly bigint[],
  inputs: readonly (readonly bigint[])[],
  { laneL1, ...numbers }: Numbers & { readonly laneL1?: number } = BOTH,
): { words: bigint[][][]; folds: number } {
  const largest =
    primes.reduce((most, prime) => (prime > most ? prime : most), 0n) >> BigInt(numbers.droppedBits);
  const { limbs, limbBits } = limbsFor(largest);
  const limit = laneL1 ?? largestLaneL1(limbBits);
  const schedule = scheduleSteps(program, limit);
  const kernel = new DirectKernel(make, {
    ...numbers,
    parameters: {
      degree: DEGREE,
      plainModulus: program.plainModulus,
      dataPrimes: primes.map(String),
      specialPrime: null,
      securityBits: 128,
    },
    lanes: { limbs, limbBits, laneL1: limit, folds: schedule.folds },
    schedule,
    groups: program.blockGroups,
  });
  schedule.planes.forEach((chunks, plane) => {
    const sides = chunks.kind === 'pair' ? [chunks.left, chunks.right] : [chunks.chunk];
    for (const [index, chunk] of sides.entries()) {
      const side = index === 0 ? 0 : 1;
      const words = kernel.inputWords(side);
      inputs[chunk]!.forEach((value, at) => {
        words[2 * at] = Number(value & 0xffffffffn);
        words[2 * at + 1] = Number(value >> 32n);
      });
    }
    kernel.loadPlane(plane);
  });
  const words: bigint[][][] = [];
  schedule.blocks.forEach(({ rows }, block) => {
    for (const polynomial of POLYNOMIALS[numbers.computed]) kernel.runBlock(block, 0, polynomial);
    const computed = [...POLYNOMIALS[numbers.computed]].sort();
    rows.forEach((programRow, row) => {
      words[programRow] = computed
        .flatMap((polynomial) => kernel.resultWords(row, polynomial))
        .map((halves) =>
          Array.from(
            { length: DEGREE },
            (_, at) => (BigInt(halves[2 * at + 1]!) << 32n) | BigInt(halves[2 * at]!),
          ),
        );
    });
  });
  return { words, folds: schedule.folds };
}

/** The same by the definition, in bigints. */
function reference(
  program: ToeplitzProgram,
  primes: readonly bigint[],
  inputs: readonly (readonly bigint[])[],
): bigint[][][] {
  return program.rows.map((terms) =>
    Array.from({ length: (inputs[0]?.length ?? 0) / DEGREE }, (_, component) => {
      const prime = primes[component % primes.length]!;
      const sums = new Array<bigint>(DEGREE).fill(0n);
      for (const { chunk, plaintext } of terms) {
        const { exponents, values } = program.plaintexts[plaintext]!;
        exponents.forEach((exponent, tap) => {
          for (let at = 0; at < DEGREE; at++) {
            const target = (at + exponent) % DEGREE;
            const product = BigInt(values[tap]!) * inputs[chunk]![component * DEGREE + at]!;
            sums[target]! += at + exponent < DEGREE ? product : -product;
          }
        });
      }
      return sums.map((sum) => ((sum % prime) + prime) % prime);
    }),
  );
}

function randomResidues(primes: readonly bigint[], seed: number, polynomials = 2): bigint[] {
  const random = randomIntegers(seed);
  return Array.from({ length: polynomials * primes.length * DEGREE }, (_, at) => {
    const prime = primes[Math.floor(at / DEGREE) % primes.length]!;
    const kind = random(0, 9);
    if (kind === 0) return 0n;
    if (kind === 1) return prime - 1n;
    if (kind === 2) return prime / 2n + BigInt(random(0, 1));
    return ((BigInt(random(0, 2 ** 30)) << 31n) | BigInt(random(0, 2 ** 30))) % prime;
  });
}

function randomProgram(seed: number, rows: number, chunks: number): ToeplitzProgram {
  const random = randomIntegers(seed);
  const randomPolynomial = (): RingPlaintext => {
    const exponents = new Set(Array.from({ length: random(1, 5) }, () => random(0, DEGREE - 1)));
    return polynomial(
      [...exponents]
        .sort((left, right) => left - right)
        .map((exponent) => [exponent, random(0, 1) === 0 ? -random(1, 32767) : random(1, 32767)]),
    );
  };
  return programOf(Array.from({ length: rows }, () => Array.from({ length: chunks }, randomPolynomial)));
}

describe('the direct kernel against the definition', () => {
  it.each([[14], [16], [26], [32], [33], [48], [60], [60, 59], [36, 36]])(
    'under primes of %i bits and more',
    (...bits) => {
      const sizes = bits.filter((size) => typeof size === 'number');
      const primes: bigint[] = [];
      for (const size of sizes) primes.push(...nttPrimes(DEGREE, size, 1, primes));
      fc.assert(
        fc.property(
          fc.nat(),
          fc.integer({ min: 1, max: 6 }),
          fc.integer({ min: 1, max: 4 }),
          (seed, rows, chunks) => {
            const program = randomProgram(seed, rows, chunks);
            const inputs = Array.from({ length: chunks }, (_, chunk) => randomResidues(primes, seed + chunk));
            expect(runKernel(program, primes, inputs).words).toEqual(reference(program, primes, inputs));
          },
        ),
        { numRuns: runs(12) },
      );
    },
  );
});

describe('one polynomial alone', () => {
  it.each<['c0' | 'c1', number]>([
    ['c0', 33],
    ['c1', 33],
    ['c1', 60],
  ])('%s under a prime of %i bits', (computed, bits) => {
    const primes = nttPrimes(DEGREE, bits, 1);
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1, max: 6 }), (seed, rows) => {
        const program = randomProgram(seed, rows, 3);
        const inputs = [0, 1, 2].map((chunk) => randomResidues(primes, seed + chunk, 1));
        const numbers = { computed, droppedBits: 0 };
        expect(runKernel(program, primes, inputs, numbers).words).toEqual(reference(program, primes, inputs));
      }),
      { numRuns: runs(12) },
    );
  });

  it.each([
    [33, 1],
    [34, 2],
    [34, 3],
    [51, 6],
    [60, 10],
  ])('c0 of %i bits without its %i low ones', (bits, dropped) => {
    const [prime = 0n] = nttPrimes(DEGREE, bits, 1);
    const largest = (prime - 1n) >> BigInt(dropped);
    // What a number that travelled stands for: 2^d u for the u nearest to 0.
    const restored = (word: bigint): bigint => {
      const number = word > largest / 2n ? word - largest : word;
      return (((number << BigInt(dropped)) % prime) + prime) % prime;
    };
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1, max: 6 }), (seed, rows) => {
        const program = randomProgram(seed, rows, 3);
        const words = [0, 1, 2].map((chunk) => randomResidues([largest + 1n], seed + chunk, 1));
        const expected = reference(
          program,
          [prime],
          words.map((list) => list.map(restored)),
        );
        const numbers = { computed: 'c0', droppedBits: dropped } as const;
        expect(runKernel(program, [prime], words, numbers).words).toEqual(expected);
      }),
      { numRuns: runs(12) },
    );
  });
});

describe('the lane bound', () => {
  /** Weights of -norm in all, at most 32767 each, on neighbouring exponents. */
  const negative = (norm: number): RingPlaintext => {
    const terms: [number, number][] = [];
    for (let rest = norm; rest > 0; rest -= 32767) terms.push([terms.length, -Math.min(rest, 32767)]);
    return polynomial(terms);
  };
  // 32 bits: every sum exact in doubles; 60 bits: 64-bit words and a rounded quotient.
  for (const bits of [32, 60]) {
    const prime = nttPrimes(DEGREE, bits, 1, [], bits === 32 ? 4294901759n : undefined)[0]!;
    // The lowest digit of 2^15 is -2^15, the largest there is: a lane sums to 2^15 L1.
    const inputs = [new Array<bigint>(2 * DEGREE).fill(0x8000n)];
    const { limbBits } = limbsFor(prime);
    const limit = largestLaneL1(limbBits);

    it(`of ${limbBits}-bit limbs under ${bits} bits: at ${limit} one lane is exact`, () => {
      expect(limbBits).toBe(16);
      expect(limit).toBe(65535);
      const program = programOf([[negative(limit)]]);
      const { words, folds } = runKernel(program, [prime], inputs);
      expect(folds).toBe(1);
      expect(words).toEqual(reference(program, [prime], inputs));
    });

    it(`one past it, under ${bits} bits, is summed in two folds, and wrong when forced into one`, () => {
      const program = programOf([[negative(limit + 1)]]);
      const expected = reference(program, [prime], inputs);
      const { words, folds } = runKernel(program, [prime], inputs);
      expect(folds).toBe(2);
      expect(words).toEqual(expected);
      const forced = runKernel(program, [prime], inputs, { ...BOTH, laneL1: limit + 1 });
      expect(forced.folds).toBe(1);
      expect(forced.words).not.toEqual(expected);
    });
  }
});
