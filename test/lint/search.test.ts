import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { lintExitCode } from '../../src/lint/finding.ts';
import type { LintReport } from '../../src/lint/finding.ts';
import { lint } from '../../src/lint/lint.ts';
import { findSources } from '../../src/lint/search.ts';
import { cipherconv, temporaryFolder } from '../cli/spawnCli.ts';
import { config } from '../frontend/fixtures.ts';

// A folder that nobody may read: also for root, who may read everything.
vi.mock('node:fs/promises', async (original) => {
  const actual = await original<typeof import('node:fs/promises')>();
  const readdir = (path: string, options: { withFileTypes: true }): unknown =>
    path.endsWith('locked')
      ? Promise.reject(Object.assign(new Error('EACCES'), { code: 'EACCES' }))
      : actual.readdir(path, options);
  return { ...actual, readdir };
});

const root = temporaryFolder();
const at = (...path: string[]): string => join(root, ...path);

function put(path: string, content: string = JSON.stringify(config())): string {
  mkdirSync(join(at(path), '..'), { recursive: true });
  writeFileSync(at(path), content);
  return at(path);
}

/** Paths below the folder of the test, without its name. */
async function search(args: readonly string[], ignored: readonly string[] = []): Promise<string[]> {
  const { found } = await findSources(args, ignored);
  return found.map(({ kind, path }) => `${kind === 'file' ? '' : '!'}${path.replace(`${root}/`, '')}`);
}

function rules({ findings }: LintReport): string[] {
  return findings.map(({ rule, level, file }) => `${rule} ${level} ${file.replace(`${root}/`, '')}`);
}

describe('what a search leaves out', () => {
  put('tree/a.conv.json');
  for (const folder of ['.venv/lib', 'node_modules/x', '.git/hooks', 'dist', 'sub/__pycache__'])
    put(`tree/${folder}/a.conv.json`);

  it('folders of dependencies and builds, and not what is named', async () => {
    expect(await search([at('tree')])).toEqual(['tree/a.conv.json']);
    expect(await search([at('tree/**/*.conv.json')])).toEqual(['tree/a.conv.json']);
    expect(await search([at('tree/.venv')])).toEqual(['tree/.venv/lib/a.conv.json']);
    expect(await search([at('tree/dist/*.json')])).toEqual(['tree/dist/a.conv.json']);
  });

  it('what .gitignore names, as git itself decides', async () => {
    const files = ['keep', 'made/x', 'deep/made/x', 'deep/kept/x', 'deep/secret', 'secret', 'build/x'];
    for (const name of files) put(`repo/${name}.conv.json`);
    put('repo/.gitignore', 'made/\nsecret*\n/build\n');
    put('repo/deep/.gitignore', '!secret.conv.json\nkept/\n');
    execFileSync('git', ['init', '-q'], { cwd: at('repo') });
    const git = execFileSync('git', ['ls-files', '--others', '--exclude-standard', '*.conv.json'], {
      cwd: at('repo'),
      encoding: 'utf8',
    });
    const expected = git
      .trim()
      .split('\n')
      .map((name) => `repo/${name}`);
    expect(expected.toSorted()).toEqual(['repo/deep/secret.conv.json', 'repo/keep.conv.json']);
    expect((await search([at('repo')])).toSorted()).toEqual(expected.toSorted());
    // From further in, what the folders above say holds too; a folder that is named is searched although it is ignored.
    expect(await search([at('repo/deep')])).toEqual(['repo/deep/secret.conv.json']);
    expect(await search([at('repo/build')])).toEqual(['repo/build/x.conv.json']);
    expect(await search([at('repo/build/x.conv.json')])).toEqual(['repo/build/x.conv.json']);
  });

  it('what --ignore names, also among what is named', () => {
    put('ign/a/x.conv.json');
    put('ign/b/x.conv.json');
    put('ign/b/y.conv.json');
    const layers = (...args: string[]): unknown[] => {
      const { stdout } = cipherconv(['lint', '--format', 'json', ...args], { cwd: at('ign') });
      return (JSON.parse(stdout) as { layers: unknown[] }).layers;
    };
    expect(layers()).toHaveLength(3);
    expect(layers('--ignore', 'b/')).toHaveLength(1);
    expect(layers('a', 'b', '--ignore', 'b')).toHaveLength(1);
    expect(layers('a/x.conv.json', 'b/y.conv.json', '--ignore', 'b/y*')).toHaveLength(1);
    expect(layers('*', '--ignore', 'x.conv.json')).toHaveLength(1);
    const none = cipherconv(['lint', '--ignore', '*'], { cwd: at('ign') });
    expect(none).toMatchObject({ code: 2, stderr: expect.stringContaining('nothing to lint') });
  });
});

describe('a search goes on', () => {
  it('after a folder that cannot be read, which is a finding', async () => {
    put('mono/locked/a.conv.json');
    put('mono/open/a.conv.json');
    for (const arg of [at('mono'), at('mono/**/*.conv.json'), at('mono/*')]) {
      const report = await lint([arg]);
      expect(rules(report)).toContain('unreadable error mono/locked');
      expect(report.layers.map(({ file }) => file)).toEqual([at('mono/open/a.conv.json')]);
      expect(lintExitCode(report, Infinity)).toBe(2);
      expect(report.findings.find(({ rule }) => rule === 'unreadable')?.message).toContain(
        'permission denied',
      );
    }
  });

  it('after packages without configs, which are mentioned', async () => {
    mkdirSync(at('packages/empty'), { recursive: true });
    put('packages/one/a.conv.json');
    put('packages/two/deep/b.conv.json');
    const packages = readdirSync(at('packages')).map((name) => at('packages', name));
    const said: string[] = [];
    const report = await lint(packages, { notice: (sentence) => said.push(sentence) });
    expect(report.layers).toHaveLength(2);
    expect(lintExitCode(report, Infinity)).toBe(0);
    expect(said).toEqual([`${at('packages/empty')}: nothing to lint`]);
  });

  it('into folders that a quoted glob matches', async () => {
    const both = ['packages/one/a.conv.json', 'packages/two/deep/b.conv.json'];
    expect(await search([at('packages/*')])).toEqual(both);
    expect(await search([at('packages/{one,empty}')])).toEqual(both.slice(0, 1));
    expect(await search([at('packages/**/deep')])).toEqual(both.slice(1));
    expect(await search([at('packages/t?o/**/*.json')])).toEqual(both.slice(1));
  });

  it('after a glob that matches nothing, which is a finding', async () => {
    const report = await lint([at('packages/*.onnx'), at('packages/one')]);
    expect(report.findings).toMatchObject([
      {
        rule: 'unreadable',
        level: 'error',
        file: at('packages/*.onnx'),
        message: expect.stringContaining('nothing'),
      },
    ]);
    expect(report.layers).toHaveLength(1);
  });

  it('past links to devices, which would be read for ever', async () => {
    put('links/a.conv.json');
    symlinkSync('/dev/zero', at('links/zero.conv.json'));
    symlinkSync(at('links/a.conv.json'), at('links/link.conv.json'));
    execFileSync('mkfifo', [at('links/pipe.conv.json')]);
    expect(await search([at('links')])).toEqual([
      'links/a.conv.json',
      'links/link.conv.json',
      '!links/pipe.conv.json',
      '!links/zero.conv.json',
    ]);
  });
});

describe('a glob', () => {
  it('leaves out devices and pipes that it does not match', async () => {
    put('pipes/a/x.conv.json');
    mkdirSync(at('pipes/b'), { recursive: true });
    execFileSync('mkfifo', [at('pipes/b/pipe.conv.json')]);
    expect(await search([at('pipes/*/x.conv.json')])).toEqual(['pipes/a/x.conv.json']);
    expect(await search([at('pipes/{b,c}/*.conv.json')])).toEqual(['!pipes/b/pipe.conv.json']);
  });

  it('and a name lead to a file once, however it is spelt', async () => {
    const file = put('spelt/x.conv.json');
    expect(
      await search([file, `${at('spelt')}/../spelt/x.conv.json`, at('spelt/*'), at('spelt')]),
    ).toHaveLength(1);
  });
});

describe('unreadable', () => {
  it('has a level like any rule', async () => {
    const broken = put('levels/broken.conv.json', '{');
    put('levels/good.conv.json');
    const withLevel = async (level: 'error' | 'warning' | 'info' | 'off'): Promise<[string[], number]> => {
      const report = await lint([at('levels')], { rules: { unreadable: level } });
      expect(report.layers).toHaveLength(1);
      return [rules(report).filter((text) => text.startsWith('unreadable')), lintExitCode(report, 0)];
    };
    expect(broken).toContain('broken');
    expect(await withLevel('error')).toEqual([['unreadable error levels/broken.conv.json'], 2]);
    expect(await withLevel('warning')).toEqual([['unreadable warning levels/broken.conv.json'], 1]);
    expect(await withLevel('info')).toEqual([['unreadable info levels/broken.conv.json'], 0]);
    expect(await withLevel('off')).toEqual([[], 0]);
    put('levels/cipherconv.config.json', JSON.stringify({ rules: { unreadable: 'warning' } }));
    expect(rules(await lint([at('levels')]))).toContain('unreadable warning levels/broken.conv.json');
  });

  it('calls a Git LFS pointer by its name, whatever the file should be', async () => {
    const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 123456\n`;
    put('lfs/m.onnx', pointer);
    put('lfs/c.conv.json', pointer);
    put('lfs/w.npy', pointer);
    const weights = { shape: [1, 1, 1, 1], bits: 2, values: { npy: 'w.npy' } };
    put('lfs/n.conv.json', JSON.stringify({ ...config(), weights }));
    const { findings } = await lint([at('lfs')]);
    expect(findings.map(({ rule }) => rule)).toEqual(['unreadable', 'unreadable', 'unreadable']);
    for (const { file, message, hint } of findings) {
      const named = file.endsWith('n.conv.json') ? `${at('lfs/w.npy')}: ` : '';
      expect(message).toBe(`${named}a Git LFS pointer, not the file itself: found a pointer to 123456 bytes`);
      expect(hint).toBe('git lfs pull');
    }
  });

  it('says which file is missing, where it is another than the one that names it', async () => {
    const weights = { shape: [1, 1, 1, 1], bits: 2, values: { npy: 'gone.npy' } };
    const outside = { ...weights, values: { npy: '../gone.npy' } };
    put('gone/a.conv.json', JSON.stringify({ ...config(), weights }));
    put('gone/b.conv.json', JSON.stringify({ ...config(), weights: outside }));
    const { findings } = await lint([at('gone')]);
    expect(findings.map(({ message }) => message)).toEqual([
      `${at('gone/gone.npy')}: cannot be read: no such file or folder`,
      expect.stringMatching(/^weights\.values\.npy: the \.npy file lies outside/),
    ]);
  });
});
