import { describe, expect, it } from 'vitest';
import { convolve } from '../../runtime/clear/loops.ts';
import { LAYERS, layerSpec } from '../../src/bench/layers.ts';
import { diagonals } from '../support/diagonals.ts';
import { runEncrypted } from '../support/execute.ts';
import { simpleSpec } from '../support/simple.ts';
import { randomInput } from '../support/specs.ts';

describe('diagonals at the size that they are made for: encrypted = naive', () => {
  it.each([
    ['1500 channels of one value, dense', { channels: 1500, height: 1, width: 1 }, 64],
    ['1500 values in a row', { channels: 1, height: 1, width: 1500 }, 2],
    ['38 x 39', { channels: 1, height: 38, width: 39 }, 4],
    ['128 channels of 3 x 3', { channels: 128, height: 3, width: 3 }, 16],
  ])('with 1,500 inputs: %s', async (_, shape, outChannels) => {
    const [height, width] = [Math.min(3, shape.height), Math.min(3, shape.width)];
    const spec = simpleSpec({
      input: { ...shape, bits: 4 },
      weights: {
        outChannels,
        channelsPerGroup: shape.channels,
        kernelHeight: height,
        kernelWidth: width,
        bits: 4,
        signed: true,
        values: Array.from(
          { length: outChannels * shape.channels * height * width },
          (__, index) => ((index * 11) % 16) - 8,
        ),
      },
      pads: [0, 0, 0, 0],
    });
    const input = randomInput(spec, 13);
    expect((await runEncrypted(diagonals(spec), [input])).outputs).toEqual([convolve(spec, input)]);
  });

  it('on benchmark layer L3', async () => {
    const spec = layerSpec(LAYERS.find((layer) => layer.id === 'L3')!);
    const input = randomInput(spec, 7);
    expect((await runEncrypted(diagonals(spec), [input])).outputs).toEqual([convolve(spec, input)]);
  });
});
