import { describe, expect, it } from 'vitest';
import { compileSpec } from '../../compiler/lowerings/compile.ts';
import { convolve } from '../../runtime/clear/loops.ts';
import { runEncrypted } from '../support/execute.ts';
import { simpleSpec } from '../support/simple.ts';
import { randomInput } from '../support/specs.ts';

describe('large convolutions', () => {
  it('a 1920x1080 grey picture through a 5x5 filter', async () => {
    const spec = simpleSpec({
      input: { height: 1080, width: 1920, bits: 8 },
      weights: {
        kernelHeight: 5,
        kernelWidth: 5,
        bits: 4,
        signed: true,
        values: Array.from({ length: 25 }, (_, index) => ((index * 7) % 16) - 8),
      },
      pads: [2, 2, 2, 2],
    });
    const plan = compileSpec(spec);
    const input = randomInput(spec, 1);
    const { outputs, measuredBudgetBits } = await runEncrypted(plan, [input]);
    expect(measuredBudgetBits).toBeGreaterThanOrEqual(plan.noise.predictedBudgetBits);
    // Not toEqual: two million values would be compared and, on a failure, printed one by one.
    const wrong = convolve(spec, input).data.findIndex((value, index) => value !== outputs[0]?.data[index]);
    expect(wrong).toBe(-1);
  });

  it('a 1x1 kernel over 512 channels', async () => {
    const spec = simpleSpec({
      input: { channels: 512, height: 14, width: 14, bits: 4 },
      weights: {
        outChannels: 8,
        channelsPerGroup: 512,
        kernelHeight: 1,
        kernelWidth: 1,
        bits: 4,
        signed: true,
        values: Array.from({ length: 8 * 512 }, (_, index) => ((index * 7919) % 16) - 8),
      },
      pads: [0, 0, 0, 0],
    });
    const plan = compileSpec(spec);
    const input = randomInput(spec, 2);
    expect((await runEncrypted(plan, [input])).outputs).toEqual([convolve(spec, input)]);
  });
});
