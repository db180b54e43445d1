/**
 * A TensorFlow-shaped layer: a batch of 15 NHWC images of 32x32x3 and an HWIO filter of 3x3x3x16, as a config text that
 * says so. The program takes and gives tensors in the config's own layout.
 */
import { compile, parseFilterConfig, quantize, run } from '../../src/index.ts';

/** Stands for the kernel of a Keras Conv2D(16, 3): shape (3, 3, 3, 16), HWIO. */
const kernel = {
  shape: [3, 3, 3, 16],
  data: Float32Array.from({ length: 432 }, (_, index) => Math.cos(index * 1.3) * (1 + (index % 16) / 16)),
};
const filter = quantize(kernel, { bits: 4, signed: true, mode: 'symmetric', axis: 3 });
const config = parseFilterConfig(
  JSON.stringify({
    version: 1,
    name: 'keras-conv2d',
    input: { shape: [15, 32, 32, 3], layout: 'NHWC', bits: 4 },
    weights: { shape: kernel.shape, layout: 'HWIO', bits: 4, signed: true, values: filter.values },
    autoPad: 'SAME_UPPER',
  }),
);

const { batch, channels, height, width } = config.spec.input;
/** NHWC, as TensorFlow has it, then NCHW, as `run` takes it. */
const nhwc = Float64Array.from(
  { length: batch * height * width * channels },
  (_, index) => (index * 11) % 16,
);
const nchw = new Float64Array(nhwc.length);
nhwc.forEach((value, index) => {
  const channel = index % channels;
  const pixel = Math.floor(index / channels) % (height * width);
  const image = Math.floor(index / (channels * height * width));
  nchw[(image * channels + channel) * height * width + pixel] = value;
});

const plan = compile(config.spec);
const { report } = await run(plan, { shape: [batch, channels, height, width], data: nchw });
const { parameters, counts } = plan;
process.stdout.write(
  `N = ${parameters.degree}; ${counts.inputCiphertexts} ciphertexts in, ${counts.products} products, ${counts.outputCiphertexts} out\n`,
);
process.stdout.write(`equal: ${report.outputs - report.mismatches} of ${report.outputs}\n`);
if (!report.match) process.exitCode = 1;
