import { keyCount } from '../../compiler/lowering/plan.ts';
import { fc, runs } from '../support/properties.ts';
import { describe, expect, it } from 'vitest';
import { compileSpec } from '../../compiler/lowerings/compile.ts';
import { bitLength } from '../../compiler/base/interval.ts';
import { buildProgram } from '../../compiler/lowerings/program.ts';
import type { DiagonalsProgram } from '../../compiler/diagonals/program.ts';
import { largestModulusBits } from '../../compiler/bfv/security.ts';
import { simulate } from '../../compiler/lowerings/simulate.ts';
import { simulatedSlots } from '../../compiler/diagonals/simulate.ts';
import type { ConvSpec } from '../../compiler/convolution/spec.ts';
import { convolve } from '../../runtime/clear/loops.ts';
import { LAYERS, layerSpec } from '../../src/bench/layers.ts';
import { diagonals, square } from '../support/diagonals.ts';
import { errorOf, simpleSpec } from '../support/simple.ts';
import { arbitrarySpec, randomInput } from '../support/specs.ts';
import { allPrimes } from '../../compiler/bfv/parameters.ts';
import type { DiagonalsPlan } from '../../compiler/diagonals/plan.ts';
import { clientView } from '../../compiler/lowerings/views.ts';

/** Distinct diagonals: result, input, exchange and whole rotation. */
function distinctDiagonals(program: DiagonalsProgram): number {
  const found = new Set<string>();
  program.rows.forEach((giants, row) => {
    for (const { exchange, step, terms } of giants)
      for (const { input, baby } of terms)
        found.add([row, input, exchange, (step + baby) % (program.degree / 2)].join());
  });
  return found.size;
}

describe('non-zero diagonals', () => {
  it.each([
    [1, 0],
    [2, 0],
    [3, 1],
    [3, 0],
    [5, 2],
    [5, 0],
    [7, 3],
  ])('a stride-1 single-channel %ix%i filter with pad %i has K*K', (k, pad) => {
    const plan = diagonals(square(k, pad));
    expect(plan.packing.rowPitch).toBe(17);
    expect(distinctDiagonals(buildProgram(plan))).toBe(k * k);
    expect(plan.counts.products).toBe(k * k);
  });

  it('strides and dilations keep it: outputs stay where their window starts', () => {
    for (const overrides of [{ strides: [2, 3] }, { dilations: [2, 2] }] as const) {
      expect(distinctDiagonals(buildProgram(diagonals(square(3, 1, overrides))))).toBe(9);
    }
  });

  it('weights of 0 have none', () => {
    const values = [0, 1, 0, 2, 3, 0, 0, 1, 0];
    const plan = diagonals(simpleSpec({ weights: { values } }));
    expect(distinctDiagonals(buildProgram(plan))).toBe(4);
  });
});

describe('counts of diagonals plans', () => {
  /** Rotations, products, keys; a change for the worse shows here. */
  const PINNED: Readonly<Record<string, readonly number[]>> = {
    '1x1': [0, 1, 0],
    '3x3': [8, 9, 8],
    '5x5': [9, 25, 9],
    L1: [5, 6, 5],
    L2: [13, 48, 9],
    L3: [20, 100, 15],
  };
  const specs: Readonly<Record<string, ConvSpec>> = {
    '1x1': square(1, 0),
    '3x3': square(3, 1),
    '5x5': square(5, 2),
    ...Object.fromEntries(
      LAYERS.filter(({ id }) => ['L1', 'L2', 'L3'].includes(id)).map((layer) => [layer.id, layerSpec(layer)]),
    ),
  };

  it.each(Object.keys(PINNED))('%s', (name) => {
    const { counts, keys } = diagonals(specs[name]!);
    expect([counts.rotations, counts.products, keyCount(keys)]).toEqual(PINNED[name]);
  });

  it('naive: one rotation and one key for each diagonal but the one that stands still', () => {
    const plan = diagonals(square(3, 1));
    expect(plan.packing.steps.kind).toBe('rotate-results');
    expect(plan.counts).toMatchObject({ inputCiphertexts: 1, outputCiphertexts: 1, products: 9 });
    expect(plan.keys.steps).toHaveLength(8);
  });
});

describe('diagonals plans', () => {
  // Some large enough for outputs in both slot rows.
  const sizes = fc.oneof(
    { weight: 4, arbitrary: arbitrarySpec(8) },
    { weight: 1, arbitrary: arbitrarySpec(45) },
  );
  const seen = new Map<string, number>();

  it('simulate = naive on random convolutions, parameters within the table', () => {
    fc.assert(
      fc.property(sizes, fc.nat(), (spec, seed) => {
        const plan = diagonals(spec);
        const { degree, plainModulus } = plan.parameters;
        const bits = allPrimes(plan.parameters).reduce((sum, prime) => sum + bitLength(prime), 0);
        expect(bits).toBeLessThanOrEqual(largestModulusBits(degree, 128));
        expect(plainModulus % (2 * degree)).toBe(1);
        expect(plainModulus).toBeGreaterThanOrEqual(plan.analysis.decodeWidth);
        const input = randomInput(spec, seed);
        const program = buildProgram(plan);
        expect(simulate(plan, program, input)).toEqual(convolve(spec, input));
        const features = {
          [plan.packing.steps.kind]: true,
          repeated: plan.packing.period !== null,
          exchange: program.rows.some((giants) => giants.some((giant) => giant.exchange)),
          bothRows: program.outputs.some(({ slots }) => slots.some((slot) => slot >= degree / 2)),
          results: program.rows.length > 1,
        };
        for (const [name, used] of Object.entries(features))
          if (used) seen.set(name, (seen.get(name) ?? 0) + 1);
      }),
      { numRuns: runs(30) },
    );
  });

  it('came across every feature', () => {
    for (const name of ['rotate-results', 'baby-giant', 'repeated', 'bothRows'])
      expect(seen.get(name) ?? 0, name).toBeGreaterThan(0);
  });

  it('planes longer than a slot row, several ciphertexts, rows exchanged', () => {
    const spec = simpleSpec({
      input: { channels: 2, height: 50, width: 48 },
      weights: {
        outChannels: 2,
        channelsPerGroup: 2,
        values: Array.from({ length: 36 }, (_, index) => 1 + (index % 3)),
      },
    });
    for (const degree of [4096, 8192] as const) {
      const plan = compileSpec(spec, { lowering: 'diagonals', degree });
      const program = buildProgram(plan);
      const input = randomInput(spec, 4);
      expect(simulate(plan, program, input)).toEqual(convolve(spec, input));
      expect(program.rows.some((giants) => giants.some(({ exchange }) => exchange))).toBe(true);
    }
  });

  it('leave 0 in every slot of a result that is no output, whatever the inputs hold', () => {
    const plan = diagonals(square(3, 0, { strides: [2, 1] }));
    const program = buildProgram(plan);
    const { degree, plainModulus } = plan.parameters;
    const full = program.inputs.map(() =>
      Float64Array.from({ length: degree }, (_, slot) => (slot * 7919 + 1) % plainModulus),
    );
    simulatedSlots(program, full).forEach((slots, row) => {
      const outputs = new Set(program.outputs[row]!.slots);
      expect(slots.every((value, slot) => outputs.has(slot) || value === 0)).toBe(true);
      expect(slots.some((value) => value !== 0)).toBe(true);
    });
  });

  it('with weights of 0 compute nothing and need no key', () => {
    const plan = diagonals(simpleSpec({ weights: { values: new Array<number>(9).fill(0) }, bias: [7] }));
    expect(plan.counts).toMatchObject({ products: 0, rotations: 0, inputCiphertexts: 0 });
    expect(plan.keys).toEqual({ steps: [], exchange: false, bytes: 0 });
  });

  it('are the same for the same spec, frozen, and show the client no weight', () => {
    const plan = diagonals(simpleSpec());
    expect(JSON.stringify(diagonals(simpleSpec()))).toBe(JSON.stringify(plan));
    expect(Object.isFrozen(plan.keys.steps)).toBe(true);
    expect(JSON.stringify(clientView(plan))).not.toMatch(/values|bias|interval|zeroPoints/);
  });

  it('cannot fail where that is asked for, at the price of a larger q', () => {
    const sum = (plan: DiagonalsPlan): number =>
      allPrimes(plan.parameters).reduce((bits, prime) => bits + bitLength(prime), 0);
    const never = compileSpec(simpleSpec(), { lowering: 'diagonals', failure: 'never' });
    expect(never.noise.failure).toBe('never');
    expect(diagonals(simpleSpec()).noise.failure).toBe('2^-128');
    expect(sum(never)).toBeGreaterThan(sum(diagonals(simpleSpec())));
  });

  it('refuse what is too large, and what no slots carry', () => {
    const large = layerSpec(LAYERS.find(({ id }) => id === 'L8')!);
    const refusal = errorOf(() => diagonals(large));
    expect(refusal).toMatchObject({ code: 'unsupported' });
    expect(String(refusal)).toContain('not supported yet: the diagonals lowering');
    expect(errorOf(() => compileSpec(simpleSpec(), { lowering: 'diagonals', degree: 1024 }))).toMatchObject({
      code: 'beyond-bfv',
    });
  });
});
