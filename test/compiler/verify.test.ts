import { fc, runs } from '../support/properties.ts';
import { describe, expect, it } from 'vitest';
import { CipherconvError } from '../../compiler/base/errors.ts';
import { buildProgram } from '../../compiler/lowerings/program.ts';
import type { Placement } from '../../compiler/toeplitz/placement.ts';
import { simulate } from '../../compiler/lowerings/simulate.ts';
import { verify } from '../../compiler/lowerings/verify.ts';
import { verifyMatrix } from '../../compiler/toeplitz/verify.ts';
import { convolve } from '../../runtime/clear/loops.ts';
import { errorOf, simpleSpec } from '../support/simple.ts';
import { arbitrarySpec, randomInput, randomIntegers } from '../support/specs.ts';
import { compileToeplitz } from '../support/compile.ts';
import type { ToeplitzPlan } from '../../compiler/toeplitz/plan.ts';
import type { ToeplitzProgram } from '../../compiler/toeplitz/program.ts';

const spec = simpleSpec({
  input: { channels: 2, height: 11, width: 9, signed: true, batch: 2 },
  weights: {
    outChannels: 3,
    channelsPerGroup: 2,
    signed: true,
    bits: 3,
    values: Array.from({ length: 54 }, (_, index) => ((index * 5) % 8) - 4),
  },
  strides: [2, 1],
});
const plan = compileToeplitz(spec);

function rejected(action: () => unknown): void {
  const error = errorOf(action);
  expect(error).toBeInstanceOf(CipherconvError);
  expect((error as CipherconvError).code).toBe('plan-rejected');
}

/** A copy of the program whose parts may be changed. */
function copyOf(program: ToeplitzProgram): ToeplitzProgram {
  return structuredClone(program);
}

type Mutation = readonly [name: string, mutate: (program: ToeplitzProgram) => void];

const shift = (placement: Placement, index: number, by: number): void => {
  placement.coefficients[index] = placement.coefficients[index]! + by;
};

const programMutations: readonly Mutation[] = [
  ['a weight one larger', (program) => program.plaintexts[0]!.values[0]!++],
  ['a weight of the other sign', (program) => (program.plaintexts[0]!.values[1]! *= -1)],
  [
    'a weight at the next coefficient',
    (program) => program.plaintexts[0]!.exponents[program.plaintexts[0]!.exponents.length - 1]!++,
  ],
  ['two weights exchanged', (program) => program.plaintexts[0]!.values.reverse()],
  [
    'a weight missing',
    (program) => {
      const { exponents, values } = program.plaintexts[0]!;
      (program.plaintexts as unknown[])[0] = { exponents: exponents.slice(1), values: values.slice(1) };
    },
  ],
  [
    'a weight too many',
    (program) => {
      const { exponents, values } = program.plaintexts[0]!;
      const extra = exponents[exponents.length - 1]! + 1;
      (program.plaintexts as unknown[])[0] = {
        exponents: Int32Array.from([...exponents, extra]),
        values: Int32Array.from([...values, 1]),
      };
    },
  ],
  [
    'an input element at the next coefficient',
    (program) => {
      shift(program.blockGroups[0]!.inputs[0]!, program.blockGroups[0]!.inputs[0]!.elements.length - 1, 1);
    },
  ],
  [
    'two input elements exchanged',
    (program) => {
      const { elements } = program.blockGroups[0]!.inputs[0]!;
      [elements[0], elements[1]] = [elements[1]!, elements[0]!];
    },
  ],
  [
    'an input element missing',
    (program) => {
      const placement = program.blockGroups[0]!.inputs[0]!;
      (program.blockGroups[0]!.inputs as unknown[])[0] = {
        ...placement,
        coefficients: placement.coefficients.slice(1),
        elements: placement.elements.slice(1),
      };
    },
  ],
  [
    'a coefficient that an output reads and that does not travel',
    (program) => {
      const placement = program.blockGroups[0]!.inputs[0]!;
      (program.blockGroups[0]!.inputs as unknown[])[0] = { ...placement, read: placement.read.slice(1) };
    },
  ],
  [
    'an output read from the next coefficient',
    (program) => {
      shift(program.blockGroups[0]!.outputs[0]!, 3, 1);
    },
  ],
  [
    'two outputs exchanged',
    (program) => {
      const { elements } = program.blockGroups[0]!.outputs[0]!;
      [elements[0], elements[1]] = [elements[1]!, elements[0]!];
    },
  ],
  [
    'an output twice',
    (program) => {
      const { elements } = program.blockGroups[0]!.outputs[0]!;
      elements[0] = elements[1]!;
    },
  ],
  [
    'an output missing',
    (program) => {
      const placement = program.blockGroups[0]!.outputs[0]!;
      (program.blockGroups[0]!.outputs as unknown[])[0] = {
        coefficients: placement.coefficients.slice(1),
        elements: placement.elements.slice(1),
      };
    },
  ],
  [
    'a term missing',
    (program) => {
      (program.rows as unknown[])[0] = program.rows[0]!.slice(1);
    },
  ],
  [
    'a term twice',
    (program) => {
      (program.rows as unknown[])[0] = [...program.rows[0]!, program.rows[0]![0]];
    },
  ],
];

type PlanMutation = readonly [name: string, change: (plan: ToeplitzPlan) => ToeplitzPlan];

const planMutations: readonly PlanMutation[] = [
  ['row pitch one less', (p) => ({ ...p, packing: { ...p.packing, rowPitch: p.packing.rowPitch - 1 } })],
  [
    'channel pitch one less',
    (p) => ({ ...p, packing: { ...p.packing, channelPitch: p.packing.channelPitch - 1 } }),
  ],
  [
    't one less than the widest window',
    (p) => ({ ...p, parameters: { ...p.parameters, plainModulus: p.parameters.plainModulus - 1 } }),
  ],
  [
    'a window moved',
    (p) => ({
      ...p,
      windows: { ...p.windows, low: p.windows.low.map((low, o) => (o === 1 ? low + 1 : low)) },
    }),
  ],
  [
    'a residue window moved',
    (p) => ({ ...p, windows: { ...p.windows, residueLow: p.windows.residueLow.map((low) => low - 1) } }),
  ],
  [
    'q too small for the noise',
    (p) => ({
      ...p,
      parameters: { ...p.parameters, degree: 1024, dataPrimes: ['12289'] },
    }),
  ],
  [
    'q too large for the table',
    (p) => ({ ...p, parameters: { ...p.parameters, dataPrimes: ['1152921504606830593'] } }),
  ],
  [
    'q not a prime',
    (p) => ({
      ...p,
      parameters: {
        ...p.parameters,
        dataPrimes: [String(BigInt(p.parameters.dataPrimes[0]!) + 2n * BigInt(p.parameters.degree))],
      },
    }),
  ],
  ['a claimed L1 that is smaller', (p) => ({ ...p, noise: { ...p.noise, rowL1: p.noise.rowL1 - 1 } })],
  [
    'a claimed budget that is larger',
    (p) => ({ ...p, noise: { ...p.noise, predictedBudgetBits: p.noise.predictedBudgetBits + 1 } }),
  ],
  [
    'a weight of the spec changed',
    (p) => ({
      ...p,
      spec: {
        ...p.spec,
        weights: { ...p.spec.weights, values: p.spec.weights.values.map((v, i) => (i === 7 ? v + 1 : v)) },
      },
    }),
  ],
  [
    'a used chunk left out',
    (p) => ({ ...p, transfer: { ...p.transfer, usedChunks: p.transfer.usedChunks.slice(1) } }),
  ],
];

describe('verify', () => {
  it('accepts what compile made', () => {
    expect(() => {
      verify(plan);
    }).not.toThrow();
  });

  it.each(programMutations)('rejects a program with %s', (_, mutate) => {
    const program = copyOf(buildProgram(plan));
    mutate(program);
    rejected(() => {
      verifyMatrix(spec, program);
    });
  });

  it.each(planMutations)('rejects a plan with %s', (_, change) => {
    rejected(() => {
      verify(change(plan));
    });
  });

  it('rejects exactly what computes a wrong integer: random single changes against simulate', () => {
    let wrong = 0;
    fc.assert(
      fc.property(arbitrarySpec(), fc.nat(), (randomSpec, seed) => {
        const random = randomIntegers(seed);
        const base = compileToeplitz(randomSpec);
        const program = copyOf(buildProgram(base));
        if (program.plaintexts.length === 0 || randomSpec.input.range.lo === randomSpec.input.range.hi)
          return;
        const plaintext = program.plaintexts[random(0, program.plaintexts.length - 1)]!;
        const entry = random(0, plaintext.values.length - 1);
        plaintext.values[entry]! += random(0, 1) === 0 ? 1 : -1;
        let accepted = true;
        try {
          verifyMatrix(randomSpec, program);
        } catch {
          accepted = false;
        }
        // A changed weight may only pass where no output can see the difference.
        for (let round = 0; round < 3; round++) {
          const input = randomInput(randomSpec, seed + round);
          const same = simulate(base, program, input).data.every(
            (value, index) => value === convolve(randomSpec, input).data[index],
          );
          if (!same) wrong++;
          if (accepted) expect(same).toBe(true);
        }
      }),
      { numRuns: runs(120) },
    );
    expect(wrong).toBeGreaterThan(runs(40));
  });
});
