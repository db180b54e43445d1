import { describe, expect, it } from 'vitest';
import { chooseLowering } from '../../compiler/lowerings/choose.ts';
import { compileSpec } from '../../compiler/lowerings/compile.ts';
import { buildProgram } from '../../compiler/lowerings/program.ts';
import { simulate } from '../../compiler/lowerings/simulate.ts';
import { convolve } from '../../runtime/clear/loops.ts';
import { simpleSpec } from '../support/simple.ts';
import { randomInput } from '../support/specs.ts';

describe('auto', () => {
  it('takes toeplitz where it costs less, and the same plan as when asked for but for the request', () => {
    const auto = compileSpec(simpleSpec());
    const asked = compileSpec(simpleSpec(), { lowering: 'toeplitz' });
    expect({ ...auto, request: asked.request }).toEqual(asked);
    expect([auto.request.lowering, asked.request.lowering]).toEqual(['auto', 'toeplitz']);
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
    const toeplitz = { name: 'toeplitz', cost: { milliseconds: 2, bytes: 1000 } } as const;
    const estimate = { milliseconds: 1, bytes: 5000 };
    const by = (objective: 'latency' | 'bandwidth'): unknown =>
      chooseLowering(toeplitz, { name: 'diagonals', estimate: { kind: 'estimate', estimate } }, objective);
    expect(by('latency')).toEqual({
      choice: 'diagonals',
      reason: 'diagonals would take 1.00 ms and 5000 bytes, toeplitz takes 2.00 ms and 1000 bytes',
    });
    expect(by('bandwidth')).toMatchObject({ choice: 'toeplitz' });
    expect(
      chooseLowering(toeplitz, { name: 'diagonals', estimate: { kind: 'refused', reason: 'no' } }, 'latency'),
    ).toEqual({
      choice: 'toeplitz',
      reason: 'diagonals cannot do it: no',
    });
    const atLeast = { kind: 'atLeast', estimate: { milliseconds: 2, bytes: 5000 } } as const;
    expect(chooseLowering(toeplitz, { name: 'diagonals', estimate: atLeast }, 'latency').choice).toBe(
      'toeplitz',
    );
  });
});
