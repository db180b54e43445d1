/**
 * `npm run bench:lint`: how long `cipherconv lint` takes on 125 to 1000 configs in one call, process start included.
 * Prints a table; fails only when lint itself does.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FilterConfigInput } from '../src/frontend/schema.ts';

const COUNTS = [125, 250, 500, 1000];
const ROUNDS = 3;
const BIN = join(import.meta.dirname, '..', 'src', 'cli', 'bin.ts');

/**
 * Layers as models have them: 4 to 8-bit weights, 3x3 kernels, 1 to 8 input and 4 to 16 output channels; one in ten is
 * declared a bit too narrow, so that witnesses, remedies and probabilities are computed too.
 */
function layer(index: number): FilterConfigInput {
  const bits = [2, 4, 8][index % 3] ?? 2;
  const channels = 1 + (index % 8);
  const outputs = 4 * (1 + (index % 4));
  const taps = channels * 9;
  let state = index + 1;
  const weight = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * 2 ** bits) - 2 ** (bits - 1);
  };
  const enough = bits * 2 + Math.ceil(Math.log2(taps)) + 1;
  return {
    version: 1,
    name: `layer-${index}`,
    input: { shape: [1, channels, 28, 28], bits },
    weights: {
      shape: [outputs, channels, 3, 3],
      bits,
      signed: true,
      values: Array.from({ length: outputs * taps }, weight),
    },
    pads: [1, 1, 1, 1],
    accumulator: { bits: index % 10 === 0 ? enough - 4 : enough, signed: true },
  };
}

function milliseconds(folder: string, ...args: string[]): number {
  const start = performance.now();
  const { status, stderr } = spawnSync(process.execPath, [BIN, ...args], {
    cwd: folder,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  if (status !== 0 && status !== 1) throw new Error(`lint ended with ${String(status)}: ${stderr}`);
  return performance.now() - start;
}

function fastest(run: () => number): number {
  return Math.min(...Array.from({ length: ROUNDS }, run));
}

const folder = mkdtempSync(join(tmpdir(), 'cipherconv-bench-'));
try {
  const start = fastest(() => milliseconds(folder, '--version'));
  console.log(`process start alone: ${start.toFixed(0)} ms`);
  let written = 0;
  for (const count of COUNTS) {
    for (; written < count; written++) {
      const text = JSON.stringify(layer(written), null, 2);
      writeFileSync(join(folder, `layer-${written}.conv.json`), text);
    }
    for (const format of ['pretty', 'json']) {
      const took = fastest(() => milliseconds(folder, 'lint', '--format', format));
      const each = ((took - start) / count).toFixed(2);
      console.log(`${count} configs, ${format}: ${took.toFixed(0)} ms, ${each} ms a config after the start`);
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
