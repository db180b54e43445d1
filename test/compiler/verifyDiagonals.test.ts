import { fc, runs } from '../support/properties.ts';
import { describe, expect, it } from 'vitest';
import { buildProgram } from '../../compiler/lowerings/program.ts';
import type { DiagonalsProgram } from '../../compiler/diagonals/program.ts';
import { simulate } from '../../compiler/lowerings/simulate.ts';
import { verify } from '../../compiler/lowerings/verify.ts';
import { verifyDiagonals } from '../../compiler/diagonals/verify.ts';
import { convolve } from '../../runtime/clear/loops.ts';
import { diagonals, square } from '../support/diagonals.ts';
import { errorOf, simpleSpec } from '../support/simple.ts';
import { randomInput } from '../support/specs.ts';
import type { DiagonalsPlan } from '../../compiler/diagonals/plan.ts';

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
  it('is refused, or computes the same: random changes', () => {
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
      { numRuns: runs(300) },
    );
    expect(refused).toBeGreaterThan(100);
  });
});
