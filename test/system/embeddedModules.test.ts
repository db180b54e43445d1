import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';

it('the embedded WebAssembly modules are what their sources compile to', () => {
  const root = join(import.meta.dirname, '..', '..');
  const run = (): Buffer =>
    execFileSync(process.execPath, [join(root, 'tools', 'build-kernel.ts'), '--check'], { stdio: 'pipe' });
  expect(run).not.toThrow();
});
