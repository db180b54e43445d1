/**
 * A PyTorch-shaped layer: Conv2d(3, 4, kernel_size=5) on a 32x32 RGB image. Its float filter is quantized per output
 * channel to 4 bits, compiled, run encrypted, and the accumulators are scaled back to floats.
 */
import { compile, makeSpec, makeTensor, quantize, run } from '../../src/index.ts';

/** Stands for conv.weight of a trained module: shape (4, 3, 5, 5), OIHW. */
const weight = {
  shape: [4, 3, 5, 5],
  data: Float32Array.from({ length: 300 }, (_, index) => Math.sin(index * 0.7) / (1 + (index % 5))),
};
const filter = quantize(weight, { bits: 4, signed: true, mode: 'symmetric', axis: 0 });

const spec = makeSpec({
  name: 'conv2d-3-4-5',
  input: {
    batch: 1,
    channels: 3,
    height: 32,
    width: 32,
    bits: 8,
    signed: false,
    zeroPoint: 0,
    range: { lo: 0, hi: 255 },
  },
  weights: {
    outChannels: 4,
    channelsPerGroup: 3,
    kernelHeight: 5,
    kernelWidth: 5,
    bits: filter.bits,
    signed: filter.signed,
    zeroPoints: filter.zeroPoints,
    values: filter.values,
  },
  bias: [0, 0, 0, 0],
  strides: [1, 1],
  pads: [0, 0, 0, 0],
  dilations: [1, 1],
  group: 1,
  accumulator: null,
});
const image = makeTensor(
  [1, 3, 32, 32],
  Array.from({ length: 3072 }, (_, index) => (index * 37) % 256),
);

const plan = compile(spec);
const { report, output } = await run(plan, image);

/** The float layer, to see what quantization costs: scale * accumulator against sum of x * w. */
let largest = 0;
output.data.forEach((accumulator, index) => {
  const channel = Math.floor(index / (28 * 28));
  const [row, column] = [Math.floor((index % 784) / 28), index % 28];
  let exact = 0;
  for (let tap = 0; tap < 75; tap++) {
    const [c, a, e] = [Math.floor(tap / 25), Math.floor((tap % 25) / 5), tap % 5];
    exact += weight.data[channel * 75 + tap]! * image.data[(c * 32 + row + a) * 32 + column + e]!;
  }
  largest = Math.max(largest, Math.abs(exact - accumulator * filter.scales[channel]!));
});

process.stdout.write(
  `accumulator [${plan.analysis.interval.lo}, ${plan.analysis.interval.hi}], N = ${plan.parameters.degree}\n`,
);
process.stdout.write(`largest difference from the float layer: ${largest.toFixed(1)}\n`);
process.stdout.write(`equal: ${report.outputs - report.mismatches} of ${report.outputs}\n`);
if (!report.match) process.exitCode = 1;
