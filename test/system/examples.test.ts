import { readdirSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const folder = join(import.meta.dirname, '..', '..', 'examples');

/** Scripts of the numbered examples: each checks itself and ends with a non-zero code when something is wrong. */
const scripts = readdirSync(folder, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && /^\d+-/.test(entry.name))
  .flatMap(({ name }) =>
    readdirSync(join(folder, name))
      .filter((file) => file.endsWith('.ts'))
      .map((file) => join(name, file)),
  );

it('there are examples', () => {
  expect(scripts.length).toBeGreaterThanOrEqual(4);
});

it.each(scripts)('%s checks itself', (script) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(folder, script)], {
    encoding: 'utf8',
  });
  expect(status, stderr).toBe(0);
  expect(stdout).toMatch(/equal|agree/);
  expect(stdout).not.toMatch(/MISMATCH/);
});
