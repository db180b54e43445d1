import { describe, expect, it } from 'vitest';
import { analyzeAccumulator, witnessImage } from '../../compiler/accumulator/exact.ts';
import { compileSpec } from '../../compiler/lowerings/compile.ts';
import type { Plan } from '../../compiler/lowerings/plan.ts';
import { buildProgram } from '../../compiler/lowerings/program.ts';
import { simulate } from '../../compiler/lowerings/simulate.ts';
import type { ConvSpec } from '../../compiler/convolution/spec.ts';
import type { Tensor } from '../../compiler/base/tensor.ts';
import { convolve } from '../../runtime/clear/loops.ts';
import { runEncrypted } from '../support/execute.ts';
import { simpleSpec } from '../support/simple.ts';

/** The same plan with t one less than its widest window needs: what `verify` refuses. */
function forcedTooNarrow(plan: Plan): Plan {
  return { ...plan, parameters: { ...plan.parameters, plainModulus: plan.parameters.plainModulus - 1 } };
}

function witnesses(spec: ConvSpec): { inputs: Tensor[]; channel: number } {
  const analysis = analyzeAccumulator(spec);
  const widths = analysis.channels.map(({ interval }) => interval.hi - interval.lo);
  const channel = widths.indexOf(Math.max(...widths));
  const shape = [1, spec.input.channels, spec.input.height, spec.input.width];
  const inputs = (['low', 'high'] as const).map((end) => ({
    shape,
    data: witnessImage(spec, analysis, channel, end),
  }));
  return { inputs, channel };
}

const cases: readonly (readonly [string, ConvSpec])[] = [
  ['nine 2-bit weights of 3', simpleSpec({ weights: { values: new Array<number>(9).fill(3) } })],
  [
    'signed weights, two channels, zero point and bias',
    simpleSpec({
      input: { height: 9, width: 7, channels: 2, zeroPoint: 1 },
      weights: {
        outChannels: 2,
        channelsPerGroup: 2,
        signed: true,
        bits: 4,
        values: Array.from({ length: 36 }, (_, index) => ((index * 7) % 16) - 8),
      },
      bias: [1000000, -1000000],
    }),
  ],
];

describe('the decode window is sharp', () => {
  it.each(cases)('%s: both ends decrypt right at t, exactly one is wrong at t - 1', async (_, spec) => {
    const plan = compileSpec(spec);
    expect(plan.parameters.plainModulus).toBe(plan.analysis.decodeWidth);
    const { inputs } = witnesses(spec);
    const expected = inputs.map((input) => convolve(spec, input));
    expect((await runEncrypted(plan, inputs)).outputs).toEqual(expected);

    const narrow = forcedTooNarrow(plan);
    const { outputs } = await runEncrypted(narrow, inputs);
    expect(outputs).toEqual(inputs.map((input) => simulate(narrow, buildProgram(narrow), input)));
    const right = outputs.map((output, index) =>
      output.data.every((value, cell) => value === expected[index]!.data[cell]),
    );
    expect(right).toEqual([true, false]);
  });

  it('at t - 1 the high end comes out as the low end', () => {
    const [, spec] = cases[0]!;
    const plan = compileSpec(spec);
    const narrow = forcedTooNarrow(plan);
    const { inputs } = witnesses(spec);
    const high = convolve(spec, inputs[1]!).data;
    const decoded = simulate(narrow, buildProgram(narrow), inputs[1]!).data;
    const cell = high.indexOf(plan.analysis.interval.hi);
    expect(decoded[cell]).toBe(plan.analysis.interval.lo);
  });
});
