/**
 * `npm run vectors -- DIR [--json FILE] [--kernel ntt|direct|auto]`: runs every test vector (*.json) of a folder encrypted and compares all
 * accumulators. One line per failure, last line `N passed, N failed`; exit 1 when one failed, 2 when nothing ran.
 */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { compileSpec } from '../compiler/lowerings/compile.ts';
import type { Tensor } from '../compiler/base/tensor.ts';
import { createClient } from '../runtime/client/client.ts';
import { convolve } from '../runtime/clear/loops.ts';
import { compareTensors } from '../runtime/clear/compare.ts';
import { createEvaluator } from '../runtime/evaluator/evaluator.ts';
import { parseVector } from './vectorFile.ts';
import type { TestVector } from './vectorFile.ts';
import type { CompileOptions } from '../compiler/lowerings/compile.ts';
import { clientView } from '../compiler/lowerings/views.ts';

type KernelChoice = NonNullable<CompileOptions['kernel']>;

async function runEncrypted({ spec, input }: TestVector, kernel: KernelChoice): Promise<Tensor> {
  const plan = compileSpec(spec, { kernel });
  const client = await createClient(clientView(plan));
  try {
    const evaluator = await createEvaluator(plan);
    try {
      evaluator.loadEvaluationKeys(client.evaluationKeys());
      return client.decrypt(evaluator.evaluate(client.encrypt(input)));
    } finally {
      evaluator.dispose();
    }
  } finally {
    client.dispose();
  }
}

/** What is wrong with one vector, or null. */
async function fault(path: string, kernel: KernelChoice): Promise<string | null> {
  try {
    const vector = parseVector(await readFile(path, 'utf8'), path);
    for (const [name, actual] of [
      ['cleartext', convolve(vector.spec, vector.input)],
      ['encrypted', await runEncrypted(vector, kernel)],
    ] as const) {
      const { mismatches, outputs, first } = compareTensors(vector.expected, actual);
      if (first === null) continue;
      return `${name}: ${mismatches} of ${outputs} differ, first at index ${first.index}: expected ${first.expected}, got ${first.actual}`;
    }
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: { json: { type: 'string' }, kernel: { type: 'string', default: 'auto' } },
    allowPositionals: true,
  });
  const [folder] = positionals;
  const { kernel } = values;
  const known = kernel === 'auto' || kernel === 'ntt' || kernel === 'direct';
  if (folder === undefined || positionals.length > 1 || !known) {
    console.error('usage: npm run vectors -- DIR [--json FILE] [--kernel ntt|direct|auto]');
    return 2;
  }
  const files = (await readdir(folder)).filter((name) => name.endsWith('.json')).sort();
  const counts = { passed: 0, failed: 0 };
  for (const [index, name] of files.entries()) {
    const found = await fault(join(folder, name), kernel);
    if (found === null) {
      counts.passed++;
    } else {
      counts.failed++;
      console.log(`${name}: ${found}`);
    }
    console.error(`vectors: ${index + 1} of ${files.length} done`);
  }
  if (values.json !== undefined) await writeFile(values.json, JSON.stringify(counts));
  console.log(`${counts.passed} passed, ${counts.failed} failed`);
  if (counts.failed > 0) return 1;
  return counts.passed === 0 ? 2 : 0;
}

process.exitCode = await main().catch((error: unknown) => {
  console.error(`vectors: ${error instanceof Error ? error.message : String(error)}`);
  return 2;
});
