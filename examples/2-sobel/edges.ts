/**
 * Edges of a picture that the server never sees: two encrypted filters, one subtraction by the client. Writes
 * out/edges.png and checks every integer against the Sobel filter itself.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  compile,
  inputTensor,
  loadConfig,
  loadInput,
  makeTensor,
  run,
  writeOutput,
} from '../../src/index.ts';

const say = (sentence: string): void => {
  process.stderr.write(`${sentence}\n`);
};

const config = await loadConfig(join(import.meta.dirname, 'sobel.conv.json'));
const picture = await loadInput(join(import.meta.dirname, '..', 'picture-28.png'));
const input = inputTensor(picture, config.spec, config.layout, say);
const { report, output } = await run(compile(config.spec), input);

const { height, width } = config.spec.input;
const pixels = height * width;
const edges = Array.from(
  { length: pixels },
  (_, pixel) => output.data[pixel]! - output.data[pixels + pixel]!,
);

const SOBEL = [
  [-1, 0, 1],
  [-2, 0, 2],
  [-1, 0, 1],
];

/** The Sobel filter in the clear, pixels outside the picture being 0. */
function sobelAt(row: number, column: number): number {
  let sum = 0;
  SOBEL.forEach((weights, a) => {
    weights.forEach((weight, e) => {
      const [y, x] = [row + a - 1, column + e - 1];
      if (y >= 0 && y < height && x >= 0 && x < width) sum += weight * input.data[y * width + x]!;
    });
  });
  return sum;
}

const equal = edges.filter(
  (edge, pixel) => edge === sobelAt(Math.floor(pixel / width), pixel % width),
).length;
const out = join(import.meta.dirname, '..', '..', 'out');
mkdirSync(out, { recursive: true });
await writeOutput(join(out, 'edges.png'), makeTensor([1, 1, height, width], edges), 'NCHW', say);

process.stdout.write(`channels: ${report.mismatches === 0 ? 'equal' : 'MISMATCH'}\n`);
process.stdout.write(`Sobel edges equal: ${equal} of ${pixels}\n`);
if (!report.match || equal !== pixels) process.exitCode = 1;
