import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseLowering } from '../../compiler/chooseLowering.ts';
import { compileSpec } from '../../compiler/compile.ts';
import { bitLength } from '../../compiler/interval.ts';
import { allPrimes, clientView } from '../../compiler/plan.ts';
import type { DiagonalsPlan } from '../../compiler/plan.ts';
import { buildProgram } from '../../compiler/program.ts';
import type { DiagonalsProgram } from '../../compiler/programDiagonals.ts';
import { largestModulusBits } from '../../compiler/security.ts';
import { simulate } from '../../compiler/simulate.ts';
import { simulatedSlots } from '../../compiler/simulateDiagonals.ts';
import type { ConvSpec } from '../../compiler/spec.ts';
import { verify } from '../../compiler/verify.ts';
import { verifyDiagonals } from '../../compiler/verifyDiagonals.ts';
import { convolve } from '../../runtime/clear/loops.ts';
import { LAYERS, layerSpec } from '../../src/bench/layers.ts';
import { errorOf, simpleSpec } from '../support/simple.ts';
import { arbitrarySpec, randomInput } from '../support/specs.ts';

const diagonals = (spec: ConvSpec): DiagonalsPlan => compileSpec(spec, { lowering: 'diagonals' });

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

/** A k x k filter without zeros over a 20x17 picture. */
function square(k: number, pad: number, overrides: Parameters<typeof simpleSpec>[0] = {}): ConvSpec {
  return simpleSpec({
    input: { height: 20, width: 17 },
    weights: {
      kernelHeight: k,
      kernelWidth: k,
      bits: 3,
      values: Array.from({ length: k * k }, (_, index) => 1 + (index % 7)),
    },
    pads: [pad, pad, pad, pad],
    ...overrides,
  });
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
    expect([counts.rotations, counts.products, keys.steps.length]).toEqual(PINNED[name]);
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

  it('simulate = naive on 250 random convolutions, parameters within the table', () => {
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
          repeated: plan.packing.period > 0,
          exchange: program.rows.some((giants) => giants.some((giant) => giant.exchange)),
          bothRows: program.outputs.some(({ slots }) => slots.some((slot) => slot >= degree / 2)),
          results: program.rows.length > 1,
        };
        for (const [name, used] of Object.entries(features))
          if (used) seen.set(name, (seen.get(name) ?? 0) + 1);
      }),
      { numRuns: 250 },
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
    expect(plan.keys).toEqual({ steps: [], bytes: 0 });
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

describe('verify of a diagonals plan', () => {
  const spec = simpleSpec({
    input: { channels: 2, height: 7, width: 6, batch: 2, signed: true },
    weights: {
      outChannels: 2,
      channelsPerGroup: 2,
      signed: true,
      bits: 3,
      values: Array.from({ length: 36 }, (_, index) => ((index * 5) % 7) - 3 || 1),
    },
  });
  const plan = diagonals(spec);

  type Mutable = { -readonly [Key in keyof DiagonalsProgram]: DiagonalsProgram[Key] };
  const mutations: readonly (readonly [string, (program: Mutable) => void])[] = [
    ['a weight one larger', ({ plaintexts }) => plaintexts[0]!.values[0]!++],
    ['a weight of the other sign', ({ plaintexts }) => (plaintexts[1]!.values[2]! *= -1)],
    [
      'a weight missing',
      ({ plaintexts }) => {
        const { slots, values } = plaintexts[0]!;
        (plaintexts as unknown[])[0] = { slots: slots.slice(1), values: values.slice(1) };
      },
    ],
    [
      'a weight in another slot',
      ({ plaintexts }) => plaintexts[0]!.slots[plaintexts[0]!.slots.length - 1]!++,
    ],
    [
      'a weight that leads to no output',
      ({ plaintexts }) => {
        const { slots, values } = plaintexts[0]!;
        const last = slots.at(-1)!;
        (plaintexts as unknown[])[0] = {
          slots: Int32Array.from([...slots, last + 1]),
          values: Int32Array.from([...values, 1]),
        };
      },
    ],
    ['another giant', ({ rows }) => ((rows[0]![0] as { step: number }).step += 1)],
    ['rows exchanged', ({ rows }) => ((rows[0]![0] as { exchange: boolean }).exchange = true)],
    ['another baby', ({ rows }) => ((rows[0]![0]!.terms[0] as { baby: number }).baby += 1)],
    ['a term missing', ({ rows }) => (rows[0]![0]!.terms as unknown[]).pop()],
    ['a term twice', ({ rows }) => (rows[0]![0]!.terms as unknown[]).push(rows[0]![0]!.terms[0])],
    ['a giant missing', ({ rows }) => (rows[0] as unknown[]).pop()],
    [
      'two inputs exchanged',
      ({ inputs }) => {
        const { elements } = inputs[0]!;
        [elements[0], elements[1]] = [elements[1]!, elements[0]!];
      },
    ],
    [
      'an output twice',
      ({ outputs }) => {
        outputs[0]!.elements[0] = outputs[0]!.elements[1]!;
      },
    ],
    [
      'two outputs exchanged',
      ({ outputs }) => {
        const { elements } = outputs[0]!;
        [elements[0], elements[1]] = [elements[1]!, elements[0]!];
      },
    ],
  ];

  it('accepts what compile made', () => {
    verify(plan);
    verifyDiagonals(spec, buildProgram(plan));
  });

  it.each(mutations)('rejects a program with %s', (_, mutate) => {
    const program = structuredClone(buildProgram(plan)) as Mutable;
    mutate(program);
    expect(
      errorOf(() => {
        verifyDiagonals(spec, program);
      }),
    ).toMatchObject({ code: 'plan-rejected' });
  });

  const planMutations: readonly (readonly [string, (plan: DiagonalsPlan) => DiagonalsPlan])[] = [
    ['row pitch one less', (p) => ({ ...p, packing: { ...p.packing, rowPitch: p.packing.rowPitch - 1 } })],
    ['planes closer', (p) => ({ ...p, packing: { ...p.packing, planePitch: 3 } })],
    [
      't that has no slots',
      (p) => ({ ...p, parameters: { ...p.parameters, plainModulus: p.parameters.plainModulus + 2 } }),
    ],
    ['no special prime', (p) => ({ ...p, parameters: { ...p.parameters, specialPrime: null } })],
    ['a smaller special prime', (p) => ({ ...p, parameters: { ...p.parameters, specialPrime: '65537' } })],
    ['a key left out', (p) => ({ ...p, keys: { ...p.keys, steps: p.keys.steps.slice(1) } })],
    ['keys of another size', (p) => ({ ...p, keys: { ...p.keys, bytes: p.keys.bytes - 1 } })],
    ['a norm that is smaller', (p) => ({ ...p, noise: { ...p.noise, rowL1: '1000' } })],
    ['fewer rotations claimed', (p) => ({ ...p, noise: { ...p.noise, rotations: 0 } })],
    ['a tail for a certainty', (p) => ({ ...p, noise: { ...p.noise, failure: 'never' } })],
    [
      'a larger budget',
      (p) => ({ ...p, noise: { ...p.noise, predictedBudgetBits: p.noise.predictedBudgetBits + 1 } }),
    ],
  ];

  it.each(planMutations)('rejects a plan with %s', (_, change) => {
    expect(
      errorOf(() => {
        verify(change(plan));
      }),
    ).toMatchObject({ code: 'plan-rejected' });
  });
});

describe('a forged packing', () => {
  it('is refused, or computes the same: 300 random changes', () => {
    const spec = square(3, 1, { input: { height: 9, width: 8, channels: 1 } });
    const plan = diagonals(spec);
    const input = randomInput(spec, 1);
    const expected = convolve(spec, input);
    const changes = fc.record(
      {
        degree: fc.constantFrom(1024, 4096, 32768),
        rowPitch: fc.integer({ min: 1, max: 2 ** 30 }),
        planePitch: fc.integer({ min: 1, max: 16384 }),
        planesPerRow: fc.integer({ min: 1, max: 16384 }),
        period: fc.integer({ min: 0, max: 16384 }),
        steps: fc.oneof(
          fc.constant({ kind: 'rotate-inputs' as const }),
          fc.record({
            kind: fc.constant('baby-giant' as const),
            origin: fc.nat(16384),
            size: fc.integer({ min: 1, max: 16384 }),
          }),
        ),
      },
      { requiredKeys: [] },
    );
    let refused = 0;
    fc.assert(
      fc.property(changes, (change) => {
        const forged = { ...plan, packing: { ...plan.packing, ...change } } as DiagonalsPlan;
        try {
          verify(forged);
        } catch {
          refused++;
          return;
        }
        expect(simulate(forged, buildProgram(forged), input)).toEqual(expected);
      }),
      { numRuns: 300 },
    );
    expect(refused).toBeGreaterThan(100);
  });
});

describe('auto', () => {
  it('takes toeplitz where it costs less, and the same plan as when asked for', () => {
    const auto = compileSpec(simpleSpec());
    expect(auto).toEqual(compileSpec(simpleSpec(), { lowering: 'toeplitz' }));
  });

  it('takes diagonals where toeplitz cannot do it: taps further apart than the largest ring', () => {
    const spec = simpleSpec({
      input: { height: 200, width: 4 },
      weights: { kernelHeight: 2, kernelWidth: 2, values: [1, 2, 3, 1] },
      pads: [0, 20000, 0, 20000],
      strides: [1, 40000],
      dilations: [199, 1],
    });
    const plan = compileSpec(spec);
    const input = randomInput(spec, 2);
    expect(simulate(plan, buildProgram(plan), input)).toEqual(convolve(spec, input));
  });

  it('goes by the objective and says why', () => {
    const toeplitz = { milliseconds: 2, bytes: 1000 };
    const estimate = { milliseconds: 1, bytes: 5000 };
    const by = (objective: 'latency' | 'bandwidth'): unknown =>
      chooseLowering(toeplitz, { kind: 'estimate', estimate }, objective);
    expect(by('latency')).toEqual({
      choice: 'diagonals',
      reason: 'diagonals would take 1.00 ms and 5000 bytes, toeplitz takes 2.00 ms and 1000 bytes',
    });
    expect(by('bandwidth')).toMatchObject({ choice: 'toeplitz' });
    expect(chooseLowering(toeplitz, { kind: 'refused', reason: 'no' }, 'latency')).toEqual({
      choice: 'toeplitz',
      reason: 'diagonals cannot do it: no',
    });
    const atLeast = { kind: 'atLeast', estimate: { milliseconds: 2, bytes: 5000 } } as const;
    expect(chooseLowering(toeplitz, atLeast, 'latency').choice).toBe('toeplitz');
  });
});
