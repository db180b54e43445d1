/**
 * One filter, two lowerings: runs the Gaussian of example 1 in coefficients and in slots, checks that both give the
 * integers of the cleartext convolution, and prints what each of them took.
 */
import { join } from 'node:path';
import { compile, inputTensor, loadConfig, loadInput, run } from '../../src/index.ts';

const say = (sentence: string): void => {
  process.stderr.write(`${sentence}\n`);
};

const config = await loadConfig(join(import.meta.dirname, '..', '1-gaussian', 'gaussian.conv.json'));
const picture = await loadInput(join(import.meta.dirname, '..', 'picture-28.png'));
const input = inputTensor(picture, config.spec, config.layout, say);

const toeplitz = await run(compile(config.spec, { lowering: 'toeplitz' }), input);
const plan = compile(config.spec, { lowering: 'diagonals' });
const diagonals = await run(plan, input);

for (const { report } of [toeplitz, diagonals]) {
  const { lowering, params, counts, bytes, ms } = report;
  process.stdout.write(
    `${lowering}: N = ${params.degree}, t = ${params.plainModulus}, q of ${params.coeffModulusBits.join(' + ')} bits, ` +
      `${counts.products} products, ${counts.rotations} rotations, keys of ${bytes.keys} bytes, ` +
      `${bytes.upload} bytes up, ${bytes.response} down, evaluated in ${ms.evaluate.toFixed(2)} ms\n`,
  );
}

const { outputs } = toeplitz.report;
const same = toeplitz.output.data.filter((value, index) => value === diagonals.output.data[index]).length;
process.stdout.write(`non-zero diagonals: ${diagonals.report.counts.products}\n`);
process.stdout.write(`both lowerings equal: ${same} of ${outputs}\n`);

const { weights } = config.spec;
const taps = weights.kernelHeight * weights.kernelWidth;
const asPredicted =
  diagonals.report.counts.products === taps && diagonals.report.bytes.keys === plan.keys.bytes;
const allRight = toeplitz.report.match && diagonals.report.match && same === outputs;
if (!allRight || !asPredicted) process.exitCode = 1;
