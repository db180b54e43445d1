/**
 * The ways in which tutorials and papers compute a convolution, side by side on one layer with strides, dilation and
 * padding: loops, taps, im2col, unfold, the flattened filter matrix, and the encrypted product. All integers agree.
 */
import { compile, EXECUTORS, makeSpec, makeTensor, run } from '../../src/index.ts';

const spec = makeSpec({
  name: 'four-ways',
  input: {
    batch: 2,
    channels: 3,
    height: 12,
    width: 15,
    bits: 4,
    signed: false,
    zeroPoint: 3,
    range: { lo: 0, hi: 15 },
  },
  weights: {
    outChannels: 4,
    channelsPerGroup: 3,
    kernelHeight: 3,
    kernelWidth: 2,
    bits: 4,
    signed: true,
    zeroPoints: [0, 0, 0, 0],
    values: Array.from({ length: 72 }, (_, index) => ((index * 7) % 16) - 8),
  },
  bias: [0, 100, -100, 7],
  strides: [2, 1],
  pads: [1, 0, 2, 1],
  dilations: [1, 2],
  group: 1,
  accumulator: null,
});
const input = makeTensor(
  [2, 3, 12, 15],
  Array.from({ length: 1080 }, (_, index) => (index * 31) % 16),
);

const encrypted = (await run(compile(spec), input)).output;
let agreed = true;
for (const [name, execute] of Object.entries(EXECUTORS)) {
  const output = execute(spec, input);
  const equal = output.data.filter((value, index) => value === encrypted.data[index]).length;
  agreed &&= equal === encrypted.data.length;
  process.stdout.write(
    `${name.padEnd(10)} equal to the encrypted result: ${equal} of ${encrypted.data.length}\n`,
  );
}
process.stdout.write(agreed ? 'all agree\n' : 'MISMATCH\n');
if (!agreed) process.exitCode = 1;
