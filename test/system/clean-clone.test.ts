/** What a newcomer does with nothing but git and npm: clone, install, run the demo, look into the package. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, sep } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

const root = join(import.meta.dirname, '..', '..');

/** The environment as it was before npm and vitest changed it, so that the clone meets the machine's own Node. */
function outsideEnvironment(): NodeJS.ProcessEnv {
  const inherited =
    /^(npm_(package|lifecycle|command|execpath|node_execpath|config_local_prefix)|INIT_CWD$|VITEST|NODE_ENV$|NODE_OPTIONS$)/;
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !inherited.test(name)));
  const path = (process.env['PATH'] ?? '').split(delimiter);
  return {
    ...env,
    PATH: path.filter((folder) => !folder.split(sep).includes('node_modules')).join(delimiter),
  };
}

let clone: string;
let installation: { status: number | null; stderr: string };

function inClone(command: string, ...args: string[]): string {
  const options = { cwd: clone, env: outsideEnvironment(), encoding: 'utf8', maxBuffer: 2 ** 26 } as const;
  return execFileSync(command, args, options);
}

beforeAll(() => {
  clone = mkdtempSync(join(tmpdir(), 'cipherconv-clone-'));
  inClone('git', 'clone', '--quiet', '--no-local', root, '.');
  const { status, stderr } = spawnSync('npm', ['ci', '--prefer-offline', '--no-audit', '--no-fund'], {
    cwd: clone,
    env: outsideEnvironment(),
    encoding: 'utf8',
  });
  installation = { status, stderr };
});

afterAll(() => {
  rmSync(clone, { recursive: true, force: true });
});

test('installs without a word of warning, whatever Node the machine has', () => {
  expect(installation).toEqual({ status: 0, stderr: '' });
});

test('the demo runs and every integer is equal', () => {
  const [, equal, all] = /equal: (\d+) of (\d+)/.exec(inClone('npm', 'run', '--silent', 'demo')) ?? [];
  expect(Number(all)).toBeGreaterThan(0);
  expect(equal).toBe(all);
});

test('the package holds the binary, the page and what its exports name; no build information, no tests, no benches', () => {
  inClone('npm', 'run', 'build');
  const [pack] = JSON.parse(inClone('npm', 'pack', '--dry-run', '--json', '--ignore-scripts')) as [
    { files: { path: string }[] },
  ];
  const paths = pack.files.map(({ path }) => path);
  expect(paths).toContain('dist/src/cli/bin.js');
  expect(paths).toContain('dist/page/index.html');
  expect(paths.some((path) => /^dist\/page\/assets\/seal.*\.wasm$/.test(path))).toBe(true);
  expect(paths.filter((path) => path.endsWith('.tsbuildinfo'))).toEqual([]);
  expect(paths.filter((path) => /^(dist\/)?(bench|test|examples|tools|node_modules)\//.test(path))).toEqual(
    [],
  );
  const { exports } = JSON.parse(readFileSync(join(clone, 'package.json'), 'utf8')) as {
    exports: Record<string, string | Record<string, string>>;
  };
  const targets = Object.values(exports).flatMap((target) =>
    typeof target === 'string' ? [target] : Object.values(target),
  );
  expect(targets.length).toBeGreaterThan(8);
  expect(targets.filter((target) => !paths.includes(target.replace('./', '')))).toEqual([]);
});
