/** Plans with hints: what they say is proved, and the protocol in plain integers gives the convolution. */
import { describe, expect, it } from 'vitest';
import { decryptionIsCertain, droppedFromHintUpload, largestNoise } from '../../compiler/bfv/noise.ts';
import { dataModulus } from '../../compiler/bfv/parameters.ts';
import { planNoise } from '../../compiler/lowerings/noise.ts';
import { buildProgram } from '../../compiler/lowerings/program.ts';
import { simulate } from '../../compiler/lowerings/simulate.ts';
import { verify } from '../../compiler/lowerings/verify.ts';
import { checkClientView } from '../../compiler/lowerings/checkView.ts';
import { clientView } from '../../compiler/lowerings/views.ts';
import { compileSpec } from '../../compiler/lowerings/compile.ts';
import { centredWeights } from '../../compiler/convolution/spec.ts';
import { largestShift } from '../../compiler/toeplitz/hint.ts';
import { largestLaneL1, limbsFor } from '../../compiler/rings/digits.ts';
import { digitModulus, LARGEST_DIRECT_WEIGHT } from '../../compiler/toeplitz/direct/lanes.ts';
import type { ToeplitzPlan } from '../../compiler/toeplitz/plan.ts';
import { convolve } from '../../runtime/clear/loops.ts';
import { compileToeplitz } from '../support/compile.ts';
import { runWithHint } from '../support/hintProtocol.ts';
import { lanesOf } from '../support/kernels.ts';
import { fc, runs } from '../support/properties.ts';
import { errorOf, simpleSpec } from '../support/simple.ts';
import { arbitrarySpec, randomInput } from '../support/specs.ts';

const objectives = fc.constantFrom('latency' as const, 'bandwidth' as const, 'total' as const);
const failures = fc.constantFrom('never' as const, '2^-128' as const);

/** Specs that hints take: weights beyond 16 bits with a sign are the ntt kernel's. */
const directSpec = (channels: number) =>
  arbitrarySpec(channels).filter(({ weights }) =>
    centredWeights(weights).every((weight) => Math.abs(weight) <= LARGEST_DIRECT_WEIGHT),
  );

/** One prime carries nearly every small convolution; the others are left to the kernel's tests. */
function compiled(...options: Parameters<typeof compileToeplitz>): ToeplitzPlan {
  const plan = compileToeplitz(options[0], { ...options[1], protocol: 'hint' });
  expect(plan.execution).toMatchObject({ kernel: 'direct', upload: 'hint' });
  return plan;
}

describe('a plan with hints', () => {
  it('is proved, checked by clients, and simulates the convolution', () => {
    fc.assert(
      fc.property(directSpec(6), fc.nat(), objectives, (spec, seed, objective) => {
        const plan = compiled(spec, { objective });
        verify(plan);
        checkClientView(clientView(plan));
        expect(plan.wire.responseC1).toBe(0);
        const input = randomInput(spec, seed);
        expect(simulate(plan, buildProgram(plan), input)).toEqual(convolve(spec, input));
      }),
      { numRuns: runs(40) },
    );
  });

  it('decrypts to the convolution in plain integers, its noise within the bound', () => {
    const tightness: number[] = [];
    fc.assert(
      fc.property(directSpec(4), fc.nat(), objectives, failures, (spec, seed, objective, failure) => {
        const plan = compiled(spec, { objective, failure });
        if (plan.parameters.dataPrimes.length > 1) return;
        const input = randomInput(spec, seed);
        for (const errors of failure === 'never' ? (['random', 'worst'] as const) : (['random'] as const)) {
          const { output, scaledNoise } = runWithHint(plan, buildProgram(plan), input, seed, errors);
          expect(output).toEqual(convolve(spec, input));
          const bound = planNoise(plan).response * BigInt(plan.parameters.plainModulus);
          expect(2n * scaledNoise <= bound).toBe(true);
          if (errors === 'worst' && plan.noise.rowL1 > 0)
            tightness.push(Number(2n * scaledNoise) / Number(bound));
        }
      }),
      { numRuns: runs(25) },
    );
    // The bound is met: not by much more than what the roundings, drawn at random here, leave open.
    expect(Math.max(...tightness)).toBeGreaterThan(0.7);
    expect(tightness.length).toBeGreaterThan(5);
  });
});

describe('weights with hints', () => {
  const wide = (weight: number) =>
    simpleSpec({ weights: { bits: 16, signed: false, values: [weight, 0, 0, 0, 0, 0, 0, 0, 0] } });

  it('have 16 bits with a sign at most', () => {
    expect(compiled(wide(LARGEST_DIRECT_WEIGHT)).execution.kernel).toBe('direct');
    expect(errorOf(() => compiled(wide(LARGEST_DIRECT_WEIGHT + 1)))).toHaveProperty('details', {
      code: 'unsupported',
      where: 'protocol',
      message: 'hints need the direct kernel, which does not take weights so large',
      expected: 'weights minus zero point within [-32767, 32767]',
      found: 'one of size 32768',
      hint: 'take the standard protocol',
    });
  });
});

describe('what is dropped with hints', () => {
  const plan = compiled(simpleSpec({ bias: [-7] }));

  it('errs by at most half a step and one, which some coefficient reaches', () => {
    const q = 12289n;
    for (let bits = 1; bits <= 10; bits++) {
      const d = 1n << BigInt(bits);
      let worst = 0n;
      for (let c = 0n; c < q; c++) {
        const k = ((c + d / 2n) % q) / d;
        const u = k <= (q - 1n) / (2n * d) ? k : k - (q - 1n) / d;
        const error = (((d * u - c) % q) + q) % q;
        const centred = error > q / 2n ? q - error : error;
        if (centred > worst) worst = centred;
      }
      expect(2n * worst).toBeLessThanOrEqual(droppedFromHintUpload(d));
      expect(2n * worst).toBeGreaterThanOrEqual(droppedFromHintUpload(d) - 2n);
    }
  });

  it('is at most what q allows, and nothing of c1', () => {
    const most = largestShift(plan.parameters.degree, 1);
    const beyond = most + 1;
    expect((dataModulus(plan.parameters) - 1n) % (1n << BigInt(most))).toBe(0n);
    expect(() => {
      verify({ ...plan, wire: { ...plan.wire, uploadC0: beyond } });
    }).toThrow();
    const view = clientView(plan);
    expect(() => {
      checkClientView({ ...view, wire: { ...view.wire, uploadC0: beyond } });
    }).toThrow(/too many bits dropped for hints/);
    expect(() => {
      checkClientView({ ...view, wire: { ...view.wire, responseC1: 1 } });
    }).toThrow(/no c1 comes back/);
  });

  it('is proved at the bound: one bit more of the response and decryption could fail', () => {
    const { response } = planNoise(plan);
    const q = dataModulus(plan.parameters);
    const { plainModulus } = plan.parameters;
    expect(decryptionIsCertain(q, plainModulus, response)).toBe(true);
    expect(decryptionIsCertain(q, plainModulus, largestNoise(q, plainModulus))).toBe(true);
    expect(decryptionIsCertain(q, plainModulus, largestNoise(q, plainModulus) + 1n)).toBe(false);
    for (const key of ['responseC0', 'uploadC0'] as const) {
      const wire = { ...plan.wire, [key]: plan.wire[key] + (key === 'responseC0' ? 1 : 4) };
      expect(() => {
        verify({ ...plan, wire });
      }).toThrow(/decryption could fail/);
    }
  });

  it('spares the digits its low bits: fewer limbs than q alone takes', () => {
    // 3 x 3 x 128 taps of 4 bits: q passes 32 bits, what is split into digits does not.
    const values = Array.from({ length: 1152 }, (_, index) => (index % 16) - 8);
    const wide = compiled(
      simpleSpec({
        input: { channels: 128, height: 16, width: 16, bits: 4 },
        weights: { channelsPerGroup: 128, signed: true, bits: 4, values },
      }),
    );
    const q = dataModulus(wide.parameters);
    const { limbs, limbBits, laneL1 } = lanesOf(wide);
    expect(q > 2n ** 32n).toBe(true);
    expect(limbs).toBe(2);
    expect(limbsFor(q).limbs).toBe(3);
    expect(limbsFor(digitModulus(q, wide.wire.uploadC0))).toEqual({ limbs, limbBits });
    expect(laneL1).toBe(largestLaneL1(limbBits));
  });
});

describe('requests that exclude hints', () => {
  it.each([
    [{ engine: 'seal' as const }, /hints take the direct kernel/],
    [{ kernel: 'ntt' as const }, /the ntt kernel computes both polynomials/],
    [{ upload: 'whole' as const }, /c1 of an upload does not travel/],
    [{ lowering: 'diagonals' as const }, /a rotation mixes both polynomials/],
  ])('%o', (options, message) => {
    expect(() => compileSpec(simpleSpec(), { protocol: 'hint', ...options })).toThrow(message);
  });

  it('engine seal takes the ntt kernel, and no other', () => {
    expect(compileToeplitz(simpleSpec(), { engine: 'seal' }).execution).toEqual({
      kernel: 'ntt',
      upload: 'seal-seeded',
    });
    expect(() => compileSpec(simpleSpec(), { engine: 'seal', kernel: 'direct' })).toThrow(/not SEAL's/);
    expect(() => compileSpec(simpleSpec(), { engine: 'seal', upload: 'whole' })).toThrow(
      /does not take whole/,
    );
  });
});
