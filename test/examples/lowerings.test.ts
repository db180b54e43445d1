import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..', '..');

describe('the examples about lowerings check themselves', () => {
  it.each([
    [join('7-parameters', 'parameters.ts'), 'plans that hold what they say: 20 of 20'],
    [join('8-diagonals', 'compare.ts'), 'non-zero diagonals: 9\nboth lowerings equal: 784 of 784'],
  ])('%s', async (script, line) => {
    const child = spawn(process.execPath, [join(ROOT, 'examples', script)], { cwd: ROOT });
    let stdout = '';
    child.stdout.on('data', (data: Buffer) => (stdout += data.toString()));
    expect(await new Promise((resolve) => child.on('close', resolve))).toBe(0);
    expect(stdout).toContain(line);
  });
});
