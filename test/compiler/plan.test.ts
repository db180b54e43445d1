import { fc, runs } from '../support/properties.ts';
import { describe, expect, it } from 'vitest';
import { bitLength } from '../../compiler/base/interval.ts';
import { decryptionIsCertain, largestNoise } from '../../compiler/bfv/noise.ts';
import { dataPrimesOfBits } from '../../compiler/bfv/chooseModulus.ts';
import { NO_STEPS } from '../../compiler/bfv/dropStep.ts';
import { largestModulusBits } from '../../compiler/bfv/security.ts';
import type { ConvSpec } from '../../compiler/convolution/spec.ts';
import { errorOf, simpleSpec } from '../support/simple.ts';
import { arbitrarySpec } from '../support/specs.ts';
import { compileToeplitz } from '../support/compile.ts';
import { resultNoise } from '../../compiler/toeplitz/noise.ts';
import { allPrimes, dataModulus } from '../../compiler/bfv/parameters.ts';
import { decodeResidue } from '../../compiler/lowering/plan.ts';
import { noiseInput, wireOf } from '../../compiler/toeplitz/plan.ts';
import type { ToeplitzPlan } from '../../compiler/toeplitz/plan.ts';
import type { CompileOptions } from '../../compiler/lowerings/compile.ts';
import { clientView } from '../../compiler/lowerings/views.ts';

const options = fc.record({
  objective: fc.constantFrom('latency' as const, 'bandwidth' as const),
  failure: fc.constantFrom('never' as const, '2^-128' as const),
  security: fc.constantFrom(128 as const, 192 as const, 256 as const),
});

function modulusBits(plan: ToeplitzPlan): number {
  return allPrimes(plan.parameters).reduce((bits, prime) => bits + bitLength(prime), 0);
}

/** Everything that a plan promises of its numbers. */
function checkNumbers(spec: ConvSpec, compileOptions: CompileOptions): void {
  const plan = compileToeplitz(spec, compileOptions);
  const { degree, plainModulus, securityBits, dataPrimes } = plan.parameters;
  expect(modulusBits(plan)).toBeLessThanOrEqual(largestModulusBits(degree, securityBits));
  expect(securityBits).toBe(compileOptions.security);
  expect(plainModulus).toBe(Math.max(2, plan.analysis.decodeWidth));

  const { response } = resultNoise(noiseInput({ ...plan, wire: wireOf(plan) }));
  const q = dataModulus(plan.parameters);
  expect(decryptionIsCertain(q, plainModulus, response)).toBe(true);
  // v < q / (2t), in whole numbers, with the margin's direction.
  expect(response * BigInt(plainModulus) < q).toBe(true);
  expect(plan.noise.predictedBudgetBits).toBeGreaterThanOrEqual(0);

  // Minimal: the same with one bit less fails.
  const bits = dataPrimes.reduce((sum, prime) => sum + bitLength(BigInt(prime)), 0);
  const smaller = bits > 14 ? dataPrimesOfBits(degree, bits - 1, plainModulus) : null;
  if (smaller !== null) {
    const less = smaller.reduce((product, prime) => product * prime, 1n);
    expect(decryptionIsCertain(less, plainModulus, response)).toBe(false);
  }
}

describe('the numbers of a plan', () => {
  it('hold on random convolutions at every security level and both failure modes', () => {
    fc.assert(fc.property(arbitrarySpec(), options, checkNumbers), { numRuns: runs(150) });
  });

  it('leave out of q what no output reads: a tap that only ever meets padding', () => {
    const wide = { bits: 8, values: [255, 255, 255, 0, 0, 1, 1, 1, 1] };
    const pads = [0, 2, 0, 0] as const;
    const input = { height: 3, width: 2, bits: 8 };
    checkNumbers(simpleSpec({ input, weights: wide, pads }), { security: 128 });
    const [hidden, shown] = [
      [255, 1, 1, 255, 1, 1, 255, 1, 1],
      [0, 1, 1, 0, 1, 1, 0, 1, 1],
    ].map((values) => compileToeplitz(simpleSpec({ input, weights: { bits: 8, values }, pads })));
    expect(hidden?.parameters).toEqual(shown?.parameters);
  });

  it('compile a padded 28x28 2-bit picture to N = 1024, one small prime, t at most 82 and no keys', () => {
    const plan = compileToeplitz(simpleSpec({ weights: { values: new Array<number>(9).fill(3) } }));
    expect(plan.parameters).toMatchObject({ degree: 1024, plainModulus: 82, specialPrime: null });
    expect(plan.parameters.dataPrimes).toHaveLength(1);
    expect(modulusBits(plan)).toBeLessThanOrEqual(18);
    expect(plan.packing).toMatchObject({ rowPitch: 29, channelPitch: 841 });
    expect(plan.counts).toMatchObject({ rotations: 0, products: 1 });
  });

  it('are the same for the same spec, to the byte, and frozen', () => {
    const spec = simpleSpec();
    const plan = compileToeplitz(spec);
    expect(JSON.stringify(compileToeplitz(simpleSpec()))).toBe(JSON.stringify(plan));
    expect(() => ((plan.packing as { rowPitch: number }).rowPitch = 3)).toThrow(TypeError);
    expect(() => ((plan.spec.weights.values as number[])[0] = 3)).toThrow(TypeError);
  });

  it('need fewer bits when a failure of 2^-128 is allowed, on deep layers', () => {
    const values = Array.from({ length: 9 * 512 }, (_, index) => ((index * 7) % 16) - 8);
    const deep = simpleSpec({
      input: { channels: 512, height: 8, width: 8, bits: 4 },
      weights: { channelsPerGroup: 512, signed: true, bits: 4, values },
    });
    const bitsOf = (failure: 'never' | '2^-128'): number => {
      const plan = compileToeplitz(deep, { failure });
      const { noise, parameters } = plan;
      const { products } = resultNoise({
        ...noiseInput({ ...plan, wire: wireOf(plan) }),
        steps: NO_STEPS,
      });
      expect(noise.failure).toBe(failure);
      return bitLength(products * BigInt(parameters.plainModulus));
    };
    const saved = bitsOf('never') - bitsOf('2^-128');
    expect(saved).toBeGreaterThanOrEqual(2);
    expect(saved).toBeLessThanOrEqual(4);
  });
});

describe('refusals', () => {
  it('of an accumulator that is declared too narrow; one bit more is taken', () => {
    const threes = new Array<number>(9).fill(3);
    const declared = (bits: number): ConvSpec =>
      simpleSpec({ weights: { values: threes }, accumulator: { bits, signed: false } });
    expect(errorOf(() => compileToeplitz(declared(6)))).toMatchObject({ code: 'overflow' });
    expect(compileToeplitz(declared(7)).analysis.interval).toEqual({ lo: 0, hi: 81 });
  });

  it('of a degree that cannot carry the accumulator say how many bits are missing and what helps', () => {
    const wide = simpleSpec({
      input: { bits: 16 },
      weights: { bits: 16, values: new Array<number>(9).fill(65535) },
    });
    const error = errorOf(() => compileToeplitz(wide, { degree: 1024 }));
    expect(error).toMatchObject({ code: 'beyond-bfv' });
    expect(String(error)).toMatch(/26 bits[\s\S]*too many[\s\S]*larger --degree/);
    expect(compileToeplitz(wide).parameters.degree).toBeGreaterThan(1024);
  });

  it('of sums that doubles cannot hold exactly; just below is taken', () => {
    const taps = (count: number): ConvSpec =>
      simpleSpec({
        input: { channels: count, height: 1, width: 1, bits: 16 },
        weights: {
          kernelHeight: 1,
          kernelWidth: 1,
          channelsPerGroup: count,
          bits: 16,
          values: new Array<number>(count).fill(1),
        },
        pads: [0, 0, 0, 0],
      });
    // 65535^2 * taps < 2^51
    const most = Math.ceil(2 ** 51 / 65535 ** 2) - 1;
    expect(errorOf(() => taps(most + 1))).toMatchObject({ code: 'beyond-bfv' });
    expect(taps(most).input.channels).toBe(most);
  });
});

describe('decoding', () => {
  it('gives every value of a window exactly, for windows anywhere', () => {
    fc.assert(
      fc.property(
        fc
          .integer({ min: 2, max: 2 ** 31 })
          .chain((t) => fc.tuple(fc.constant(t), fc.integer({ min: 0, max: t - 1 }))),
        fc.maxSafeInteger().map((value) => Math.floor(value / 8)),
        fc.maxSafeInteger().map((value) => Math.floor(value / 8)),
        ([plainModulus, distance], residueLow, bias) => {
          const windows = { low: [residueLow + bias], residueLow: [residueLow] };
          const sum = BigInt(residueLow) + BigInt(distance);
          const t = BigInt(plainModulus);
          const residue = Number(((sum % t) + t) % t);
          expect(decodeResidue(windows, plainModulus, 0, residue)).toBe(residueLow + bias + distance);
        },
      ),
    );
  });

  it('is all a client gets: its view holds no weight and no bias', () => {
    const plan = compileToeplitz(simpleSpec({ bias: [123456] }));
    const text = JSON.stringify(clientView(plan));
    expect(text).not.toMatch(/values|bias|interval|zeroPoints/);
    expect(largestNoise(dataModulus(plan.parameters), 46) > 0n).toBe(true);
  });
});
