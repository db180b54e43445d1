/**
 * `node tools/tflite-mutants.ts [--count N] [--seed S] FILE...`: every truncation and N mutants of each TFLite model at the
 * importer, which must import or refuse each with one clear error. Says what took longest and the memory of the process;
 * ends with 1 at the first case that goes wrong, or takes more than a second, and says which.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { CipherconvError } from '../compiler/base/errors.ts';
import { importTfliteModel } from '../src/frontend/tflite/importTfliteModel.ts';
import { Random } from './fuzz/random.ts';
import { tfliteMutant } from './fuzz/tfliteMutants.ts';

const LONGEST_MS = 1000;

interface Tally {
  imported: number;
  refused: number;
  longestMs: number;
}

function judge(bytes: Uint8Array, what: string, tally: Tally): void {
  const began = performance.now();
  try {
    importTfliteModel(bytes);
    tally.imported++;
  } catch (error) {
    if (!(error instanceof CipherconvError) || error.code === 'internal')
      throw new Error(what, { cause: error });
    tally.refused++;
  }
  const took = performance.now() - began;
  if (took > LONGEST_MS) throw new Error(`${what}: ${Math.round(took)} ms`);
  tally.longestMs = Math.max(tally.longestMs, took);
}

const { values, positionals } = parseArgs({
  options: { count: { type: 'string', default: '20000' }, seed: { type: 'string', default: '1' } },
  allowPositionals: true,
});
const [count, seed] = [Number(values.count), Number(values.seed)];
for (const file of positionals) {
  const bytes = Uint8Array.from(readFileSync(file));
  const cut: Tally = { imported: 0, refused: 0, longestMs: 0 };
  for (let length = 0; length < bytes.length; length++)
    judge(bytes.subarray(0, length), `${file}: ${length} bytes`, cut);
  const mutated: Tally = { imported: 0, refused: 0, longestMs: 0 };
  for (let index = 0; index < count; index++)
    judge(tfliteMutant(bytes, new Random(seed, index)), `${file}: mutant ${index} of seed ${seed}`, mutated);
  console.log(
    `${file}: ${bytes.length} truncations, ${cut.imported} imported; ${count} mutants, ${mutated.refused} refused; ` +
      `longest ${Math.round(Math.max(cut.longestMs, mutated.longestMs))} ms, ` +
      `${Math.round(process.memoryUsage.rss() / 2 ** 20)} MiB`,
  );
}
