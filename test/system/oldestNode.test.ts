/**
 * The built command line and library under the oldest Nodes that package.json promises, and the newest one below them,
 * which is refused. They come from npm, into a folder that is taken away afterwards.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..', '..');
const bin = join(root, 'dist', 'src', 'cli', 'bin.js');
const config = join(root, 'examples', '1-gaussian', 'gaussian.conv.json');
const picture = join(root, 'examples', 'picture-28.png');

const { engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  engines: { node: string };
};

/** The first version of every range. */
const promised = [...engines.node.matchAll(/\d+\.\d+\.\d+/g)].map(([version]) => version);

/** The last one before each of them: none has exnref, whatever its number. */
const refused = ['22.18.0', '23.11.1', '24.14.1'];

let folder: string;

beforeAll(() => {
  if (!existsSync(bin)) throw new Error('npm run build first');
  folder = mkdtempSync(join(tmpdir(), 'cipherconv-node-'));
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** The path of a Node of that version. */
function install(version: string): string {
  const name = `node-${process.platform}-${process.arch}`;
  const options = [
    '--no-save',
    '--ignore-scripts',
    '--prefer-offline',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
  ];
  const prefix = join(folder, version);
  mkdirSync(prefix);
  execFileSync('npm', ['install', '--prefix', prefix, ...options, `${name}@${version}`], { cwd: folder });
  return join(prefix, 'node_modules', name, 'bin', 'node');
}

function run(node: string, args: readonly string[]) {
  const env = { ...process.env, NODE_OPTIONS: '', NODE_COMPILE_CACHE: '', NO_COLOR: '1' };
  const { status, stdout, stderr } = spawnSync(node, args, { cwd: folder, env, encoding: 'utf8' });
  return { status, stdout, stderr };
}

describe.each(promised)('Node %s, which is promised', (version) => {
  let node: string;

  beforeAll(() => {
    node = install(version);
    expect(run(node, ['--version']).stdout).toBe(`v${version}\n`);
  });

  it('runs the command line: encrypted inference, a compiled plan, a linter', () => {
    const ran = run(node, [bin, 'run', config, '--input', picture]);
    expect(ran).toMatchObject({ status: 0 });
    expect(ran.stdout).toMatch(/^equal: 784 of 784$/m);
    const plan = join(folder, `${version}.json`);
    expect(run(node, [bin, 'compile', config, '-o', plan])).toMatchObject({ status: 0 });
    expect(run(node, [bin, 'explain', plan])).toMatchObject({ status: 0 });
    expect(run(node, [bin, 'lint', join(root, 'examples', '3-overflow')])).toMatchObject({ status: 1 });
    expect(run(node, [bin, '--version'])).toMatchObject({ status: 0, stderr: '' });
  });

  it.each(['index.js', 'client/index.js', 'server/index.js'])('imports the library %s', (entry) => {
    const url = JSON.stringify(pathToFileURL(join(root, 'dist', 'src', entry)));
    const script = `import(${url}).then((library) => console.log(Object.keys(library).length))`;
    const { status, stdout, stderr } = run(node, ['-e', script]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(Number(stdout)).toBeGreaterThan(0);
  });
});

it.each(refused)('Node %s is refused in one line', (version) => {
  const { status, stdout, stderr } = run(install(version), [bin, '--version']);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toMatch(/^error: cipherconv needs Node [^\n]*\n$/);
  expect(stderr).toContain(`this is Node ${version}`);
});
