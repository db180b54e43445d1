/**
 * A small quantized network, from nothing to encrypted answers: draws digits, trains the network on them with the integers
 * that will run, proves that no accumulator leaves its 8 bits, writes the network as ONNX, and classifies drawings it has
 * not seen three ways: in the clear, in onnxruntime, encrypted. All three must agree in every score.
 *
 *     node examples/9-digits/classify.ts [digits.onnx]     keeps the model, if a path is given
 */
import { writeFileSync } from 'node:fs';
import { convolve } from '../../runtime/clear/loops.ts';
import { analyze, compile, run } from '../../src/index.ts';
import type { Width } from '../../src/index.ts';
import { accuracy, confusion, confusionText } from './parts/confusion.ts';
import { drawDigits, sketches } from './parts/drawings.ts';
import { exportModel } from './parts/export.ts';
import { answers, drawingsTensor, infer, layerSpec } from './parts/infer.ts';
import { ACCUMULATOR_BITS } from './parts/network.ts';
import { scoresInOnnxruntime } from './parts/onnxruntime.ts';
import { train } from './parts/train.ts';

const TRAINING = { count: 2000, seed: 1 };
const TEST = { count: 200, seed: 2 };
const WEIGHT_SEED = 3;
const LOWEST_ACCURACY = 0.9;

const say = (text: string): void => {
  process.stderr.write(`${text}\n`);
};
const print = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

say(`drawing ${TRAINING.count} digits to train on and ${TEST.count} to classify`);
const tests = drawDigits(TEST.count, TEST.seed);
print(sketches(tests.slice(0, 5)));
const layers = train(drawDigits(TRAINING.count, TRAINING.seed), WEIGHT_SEED, (epoch, epochs, loss) => {
  say(`training: pass ${epoch} of ${epochs}, loss ${loss.toFixed(3)}`);
});

let proved = true;
for (const layer of layers) {
  const { datatype, l1, exact } = analyze(layerSpec(layer, 1));
  const bits = ({ required }: { required: Width }): string => `${required.bits}`.padStart(2);
  print(
    `${layer.shape.name.padEnd(8)} signed bits that hold every sum: from the datatypes alone ${bits(datatype)}, ` +
      `from the L1 norms ${bits(l1)}, exactly ${bits(exact)} [${exact.interval.lo}, ${exact.interval.hi}]`,
  );
  proved &&= l1.required.bits <= ACCUMULATOR_BITS;
}
print(`the L1 norms prove ${ACCUMULATOR_BITS} bits for all layers: ${proved ? 'yes' : 'NO'}`);

const model = exportModel(layers, tests.length);
const path = process.argv[2];
if (path !== undefined) writeFileSync(path, model);

const drawings = drawingsTensor(tests);
const quantized = await infer(layers, drawings, convolve);
const inOnnxruntime = await scoresInOnnxruntime(model, drawings);
const started = performance.now();
const encrypted = await infer(layers, drawings, async (spec, input) => {
  const { report, output } = await run(compile(spec), input);
  const { params, bytes } = report;
  const [up, down] = [bytes.upload, bytes.response].map((count) => `${(count / 1000).toFixed(1)} kB`);
  say(
    `${spec.name}: N = ${params.degree}, t = ${params.plainModulus}, ${up} up, ${down} down, ` +
      `evaluated in ${report.ms.evaluate.toFixed(1)} ms`,
  );
  return output;
});
say(
  `${tests.length} drawings encrypted, evaluated and decrypted in ${(performance.now() - started).toFixed(0)} ms`,
);

const digits = tests.map(({ digit }) => digit);
const given = answers(encrypted);
print(confusionText(confusion(digits, given)));
const right = accuracy(digits, given);
print(`accuracy encrypted ${percent(right)}, quantized ${percent(accuracy(digits, answers(quantized)))}`);

const same = [quantized, inOnnxruntime].map(
  ({ data }) => data.filter((score, index) => score === encrypted.data[index]).length,
);
const count = encrypted.data.length;
print(`scores equal to the cleartext's: ${same[0]} of ${count}; to onnxruntime's: ${same[1]} of ${count}`);
if (!proved || same.some((equal) => equal !== count) || right < LOWEST_ACCURACY) process.exitCode = 1;

function percent(part: number): string {
  return `${(100 * part).toFixed(1)}%`;
}
