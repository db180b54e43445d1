import { fc, runs } from '../support/properties.ts';
import { describe, expect, it } from 'vitest';
import { CipherconvError } from '../../compiler/base/errors.ts';
import { bitLength } from '../../compiler/base/interval.ts';
import { nttPrimes } from '../../compiler/rings/primes.ts';
import { decryptionIsCertain } from '../../compiler/bfv/noise.ts';
import { analyzeLanes, largestWeight } from '../../compiler/toeplitz/direct/lanes.ts';
import { buildProgram } from '../../compiler/lowerings/program.ts';
import { scheduleSteps } from '../../compiler/toeplitz/direct/steps.ts';
import { largestModulusBits } from '../../compiler/bfv/security.ts';
import { verify } from '../../compiler/lowerings/verify.ts';
import { errorOf, simpleSpec } from '../support/simple.ts';
import { arbitrarySpec } from '../support/specs.ts';
import { compileToeplitz } from '../support/compile.ts';
import { resultNoise } from '../../compiler/toeplitz/noise.ts';
import { dataModulus } from '../../compiler/bfv/parameters.ts';
import { noiseInput, wireOf } from '../../compiler/toeplitz/plan.ts';
import type { DirectLanes } from '../../compiler/toeplitz/plan.ts';
import { lanesOf } from '../support/kernels.ts';
import { digitCapacity, largestLaneL1, limbBoundary, limbsFor } from '../../compiler/rings/digits.ts';
import type { ToeplitzProgram } from '../../compiler/toeplitz/program.ts';

/** Balanced digits of `value` as the kernel takes them; null when they do not reach. */
function digits(value: bigint, limbBits: number, limbs: number): bigint[] | null {
  const found: bigint[] = [];
  let rest = value;
  for (let limb = 0; limb < limbs; limb++) {
    const digit = BigInt.asIntN(limbBits, rest);
    found.push(digit);
    rest = (rest - digit) >> BigInt(limbBits);
  }
  return rest === 0n ? found : null;
}

describe('limbs', () => {
  it('reach exactly to their capacity', () => {
    for (const [limbBits, limbs] of [
      [16, 1],
      [16, 2],
      [15, 4],
      [3, 5],
    ] as const) {
      const capacity = digitCapacity(limbBits, limbs);
      expect(digits(capacity, limbBits, limbs)).not.toBeNull();
      expect(digits(capacity + 1n, limbBits, limbs)).toBeNull();
      expect(digits(-capacity, limbBits, limbs)).not.toBeNull();
    }
  });

  it('of every prime carry its residues, few and narrow', () => {
    for (let bits = 14; bits <= 60; bits++) {
      for (const prime of nttPrimes(1024, bits, 2)) {
        const { limbs, limbBits } = limbsFor(prime);
        const largest = (prime - 1n) / 2n;
        expect(digitCapacity(limbBits, limbs) >= largest).toBe(true);
        expect(digitCapacity(16, limbs - 1) < largest).toBe(true);
        expect(digitCapacity(limbBits - 1, limbs) < largest).toBe(true);
      }
    }
  });

  it('are one fewer below the boundary of 16, 32 and 48 bits, which the search keeps to', () => {
    for (const bits of [32, 48]) {
      const [within] = nttPrimes(1024, bits, 1, [], limbBoundary(bits));
      expect(limbsFor(within!).limbs).toBe(bits / 16);
      expect(limbsFor(limbBoundary(bits) + 2n).limbs).toBe(bits / 16 + 1);
    }
    for (const bits of [26, 33, 60]) expect(limbBoundary(bits)).toBe((1n << BigInt(bits)) - 1n);
  });
});

/** The program's rows again, from the steps: [row][chunk] -> exponent -> weight. */
function expand(program: ToeplitzProgram, laneL1: number): Map<string, number> {
  const found = new Map<string, number>();
  const { planes, blocks } = scheduleSteps(program, laneL1);
  for (const block of blocks) {
    block.planes.forEach((plane, step) => {
      const chunks = planes[plane]!;
      const [left, right, shift] =
        chunks.kind === 'pair' ? [chunks.left, chunks.right, 0] : [chunks.chunk, chunks.chunk, chunks.shift];
      for (let slot = 0; slot < block.width; slot++) {
        const at = 2 * (step * block.width + slot);
        const exponent = block.exponents[step]!;
        for (const [weight, chunk, power] of [
          [block.weights[at]!, left, exponent],
          [block.weights[at + 1]!, right, exponent + shift],
        ] as const) {
          if (weight === 0) continue;
          const key = `${block.rows[slot]}:${chunk}:${power}`;
          expect(found.has(key)).toBe(false);
          found.set(key, weight);
        }
      }
    });
  }
  return found;
}

describe('steps', () => {
  it('hold every weight of the program exactly once, in folds that keep to the norm', () => {
    fc.assert(
      fc.property(arbitrarySpec(5), (spec) => {
        const program = buildProgram(compileToeplitz(spec, { kernel: 'ntt' }));
        if (largestWeight(program) > 32767) return;
        const expected = new Map<string, number>();
        program.rows.forEach((terms, row) => {
          for (const { chunk, plaintext } of terms) {
            const { exponents, values } = program.plaintexts[plaintext]!;
            exponents.forEach((exponent, tap) => expected.set(`${row}:${chunk}:${exponent}`, values[tap]!));
          }
        });
        const limit = 2 * Math.max(1, largestWeight(program));
        expect(expand(program, limit)).toEqual(expected);
        for (const block of scheduleSteps(program, limit).blocks) {
          expect(block.foldL1).toBeLessThanOrEqual(limit);
          expect(block.foldEnds.at(-1)).toBe(block.planes.length);
        }
      }),
      { numRuns: runs(200) },
    );
  });
});

describe('plans of the direct kernel', () => {
  const plan = compileToeplitz(simpleSpec(), { kernel: 'direct' });

  it('hold their lanes, which verify recomputes', () => {
    expect(plan.execution).toEqual({
      kernel: 'direct',
      lanes: { limbBits: 16, limbs: 1, laneL1: 65535, folds: 1 },
      upload: 'seeded',
    });
    expect(() => {
      verify(plan);
    }).not.toThrow();
    const lanes = lanesOf(plan);
    const forged: DirectLanes[] = [
      { ...lanes, limbBits: 15 },
      { ...lanes, limbs: 2 },
      { ...lanes, laneL1: lanes.laneL1 + 1 },
      { ...lanes, folds: 2 },
    ];
    for (const other of forged)
      expect(
        errorOf(() => {
          verify({ ...plan, execution: { kernel: 'direct', lanes: other, upload: 'seeded' } });
        }),
      ).toMatchObject({ code: 'plan-rejected' });
    expect(
      errorOf(() => {
        verify({ ...plan, execution: { kernel: 'ntt', upload: 'seeded' } });
      }),
    ).toMatchObject({ code: 'plan-rejected' });
  });

  it('obey the noise rule and the table like all others', () => {
    fc.assert(
      fc.property(arbitrarySpec(6), fc.constantFrom('latency', 'bandwidth'), (spec, objective) => {
        const plan = compileToeplitz(spec, { objective });
        const { execution, parameters } = plan;
        const q = dataModulus(parameters);
        const { response } = resultNoise(noiseInput({ ...plan, wire: wireOf(plan) }));
        expect(decryptionIsCertain(q, parameters.plainModulus, response)).toBe(true);
        const special = parameters.specialPrime === null ? 0 : bitLength(BigInt(parameters.specialPrime));
        const bits = parameters.dataPrimes.reduce((sum, prime) => sum + bitLength(BigInt(prime)), special);
        expect(bits).toBeLessThanOrEqual(largestModulusBits(parameters.degree, 128));
        expect(['ntt', 'direct']).toContain(execution.kernel);
      }),
      { numRuns: runs(100) },
    );
  });

  it('refuse weights wider than a lane; auto then takes the ntt kernel', () => {
    const wide = (weight: number): Parameters<typeof compileToeplitz>[0] =>
      simpleSpec({ weights: { bits: 16, signed: true, values: [weight, 1, 0, 0, 0, 0, 0, 0, 0] } });
    expect(compileToeplitz(wide(-32767), { kernel: 'direct' }).execution.kernel).toBe('direct');
    const error = errorOf(() => compileToeplitz(wide(-32768), { kernel: 'direct' }));
    expect(error).toBeInstanceOf(CipherconvError);
    expect(error).toMatchObject({ code: 'unsupported' });
    const chosen = compileToeplitz(wide(-32768));
    expect(chosen.execution).toEqual({ kernel: 'ntt', upload: 'seeded' });
    expect(analyzeLanes(chosen.parameters, buildProgram(chosen), 0).kind).toBe('refused');
  });

  it('sum a row in as many folds as its norm asks for', () => {
    const taps = 1000;
    const spec = simpleSpec({
      input: { channels: taps, height: 2, width: 2, bits: 4 },
      weights: {
        kernelHeight: 1,
        kernelWidth: 1,
        channelsPerGroup: taps,
        bits: 12,
        values: new Array<number>(taps).fill(4000),
      },
      pads: [0, 0, 0, 0],
    });
    const wide = compileToeplitz(spec, { kernel: 'direct' });
    const lanes = lanesOf(wide);
    expect(lanes.laneL1).toBe(largestLaneL1(lanes.limbBits));
    expect(lanes.folds).toBeGreaterThanOrEqual(Math.ceil(wide.noise.rowL1 / lanes.laneL1));
    expect(lanes.folds).toBeGreaterThan(1);
  });
});
