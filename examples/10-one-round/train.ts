/**
 * A network that can be computed under encryption in one round, trained from nothing: draws digits, trains a convolution, a
 * square and a dense layer on them with every score held to 16 bits, proves that over all inputs, and classifies drawings
 * that it has not seen, in exact integers, in onnxruntime, and some of them under encryption. All scores must be equal.
 *
 *     node examples/10-one-round/train.ts [digits.onnx]     keeps the model, if a path is given
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { InferenceSession, Tensor as OrtTensor, env } from 'onnxruntime-web/wasm';
import { compileNetwork } from '../../compiler/network/compile.ts';
import { createNetworkClient } from '../../src/client/networkClient.ts';
import { runExactly } from '../../src/fit/exact.ts';
import type { Examples } from '../../src/fit/examples.ts';
import { fit } from '../../src/fit/fit.ts';
import { parseArchitecture } from '../../src/fit/parseArchitecture.ts';
import { importModel } from '../../src/frontend/onnx/importOnnx.ts';
import { parseClientNetwork } from '../../src/network/clientNetwork.ts';
import { importNetwork } from '../../src/network/importNetwork.ts';
import { storeNetwork } from '../../src/network/networkPlan.ts';
import { createNetworkServer } from '../../src/server/networkServer.ts';
import { drawDigits, SIZE, sketches } from '../9-digits/parts/drawings.ts';
import type { Drawing } from '../9-digits/parts/drawings.ts';

const ACCUMULATOR_BITS = 16;
const LOWEST_ACCURACY = 0.9;
/** Drawings that are classified under encryption too. */
const ENCRYPTED = 20;

const say = (text: string): void => {
  process.stderr.write(`${text}\n`);
};
const print = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

const file = join(import.meta.dirname, 'digits.fit.json');
const parsed = parseArchitecture(readFileSync(file, 'utf8'), 'digits.fit.json');
const tests = drawDigits(300, 2);
print(sketches(tests.slice(0, 5)));

const { report, network, model } = await fit(parsed, examplesOf(drawDigits(3000, 1)), {
  accumulatorBits: ACCUMULATOR_BITS,
  epochs: 20,
  augmentation: 'none',
  validation: examplesOf(tests),
  onEpoch: ({ epoch, loss }, epochs) => {
    say(`training: pass ${epoch} of ${epochs}, loss ${loss.toFixed(3)}`);
  },
});
for (const { name, proved, seen } of report.layers) {
  print(
    `${name.padEnd(13)} proved [${proved.lo}, ${proved.hi}], ${proved.bits.toFixed(2)} bits; ` +
      `seen [${seen.lo}, ${seen.hi}], ${seen.bits.toFixed(2)} bits`,
  );
}
print(
  `every score keeps to ${report.logits.provedBits.toFixed(2)} bits of ${ACCUMULATOR_BITS}, over all inputs`,
);
const path = process.argv[2];
if (path !== undefined) writeFileSync(path, model);

const { right, of } = report.accuracy.validation;
print(`${right} of ${of} drawings right`);
const equal = await equalInOnnxruntime();
const count = tests.length * 10;
print(`scores equal to onnxruntime's: ${equal} of ${count}`);
const encrypted = await classifyEncrypted(tests.slice(0, ENCRYPTED));
print(
  `${ENCRYPTED} drawings encrypted: ${encrypted.right} right, ${encrypted.rightInClear} in the clear; ` +
    `scores equal: ${encrypted.equal} of ${ENCRYPTED * 10}`,
);
const isSame = encrypted.equal === ENCRYPTED * 10 && encrypted.right === encrypted.rightInClear;
if (equal !== count || right / of < LOWEST_ACCURACY || !isSame) process.exitCode = 1;

function examplesOf(drawings: readonly Drawing[]): Examples {
  const pixels = new Uint8Array(drawings.length * SIZE * SIZE);
  drawings.forEach((drawing, index) => {
    pixels.set(drawing.pixels, index * SIZE * SIZE);
  });
  return { pixels, labels: Uint8Array.from(drawings, ({ digit }) => digit) };
}

interface Encrypted {
  readonly right: number;
  readonly rightInClear: number;
  readonly equal: number;
}

/** Client and server of the network, messages between them: what the server computes is compared with the exact integers. */
async function classifyEncrypted(drawings: readonly Drawing[]): Promise<Encrypted> {
  const { spec, port, output } = importNetwork(importModel(model));
  const stored = storeNetwork({ plan: compileNetwork(spec), port, output, blind: null });
  using server = await createNetworkServer(stored);
  using client = await createNetworkClient(parseClientNetwork(server.clientPlanText, 'the client plan'));
  const keys = client.evaluationKeys();
  let [isRight, rightInClear, same] = [0, 0, 0];
  for (const { pixels, digit } of drawings) {
    const upload = client.encrypt({ shape: [1, 1, SIZE, SIZE], data: Float64Array.from(pixels) });
    const { data } = client.decrypt(server.evaluate(upload, keys)).scores;
    const exact = runExactly(network, pixels).scores;
    same += data.filter((score, index) => score === exact[index]).length;
    if (data.indexOf(Math.max(...data)) === digit) isRight++;
    if (exact.indexOf(Math.max(...exact)) === digit) rightInClear++;
  }
  return { right: isRight, rightInClear, equal: same };
}

/** How many scores of the exact integers onnxruntime gives too. */
async function equalInOnnxruntime(): Promise<number> {
  env.wasm.numThreads = 1;
  const session = await InferenceSession.create(model, { executionProviders: ['wasm'] });
  let same = 0;
  for (const { pixels } of tests) {
    const pictures = new OrtTensor('float32', pixels, [1, 1, SIZE, SIZE]);
    const { scores } = await session.run({ pictures });
    const exact = runExactly(network, pixels).scores;
    same += Array.from(scores?.data as Float32Array).filter((score, index) => score === exact[index]).length;
  }
  await session.release();
  return same;
}
