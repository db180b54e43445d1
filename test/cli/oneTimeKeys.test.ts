/** compile --hint, encrypt, evaluate, decrypt: a hint and a key of one time, in files. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { convolve } from '../../runtime/clear/loops.ts';
import { parsePlan } from '../../src/frontend/planFile.ts';
import { config } from '../frontend/fixtures.ts';
import { BIN, cipherconv, namesIn, temporaryFolder } from './spawnCli.ts';

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const data = Array.from({ length: 16 }, (_, index) => index % 2);

function good(...args: string[]): void {
  expect(cipherconv(args)).toMatchObject({ code: 0 });
}

/** Exit 2, saying so, and no file more than before. */
function refused(args: readonly string[], says: string): void {
  const before = namesIn(folder);
  const ended = cipherconv(args);
  expect(ended.stderr).toContain(says);
  expect(ended.code).toBe(2);
  expect(namesIn(folder)).toEqual(before);
}

const encrypt = (key: string, ...more: string[]): string[] => [
  'encrypt',
  '--plan',
  at('c.json'),
  '--one-time-key',
  at(key),
  '-i',
  at('x.json'),
  ...more,
];
const decrypt = (key: string, response: string, output: string): string[] => [
  'decrypt',
  '--plan',
  at('c.json'),
  '--one-time-key',
  at(key),
  '-i',
  at(response),
  '-o',
  at(output),
];

beforeAll(() => {
  writeFileSync(at('f.conv.json'), JSON.stringify(config()));
  writeFileSync(at('x.json'), JSON.stringify({ shape: [1, 1, 4, 4], data }));
  const hinted = ['--protocol', 'hint', '--blind', 'none'];
  good(
    'compile',
    at('f.conv.json'),
    ...hinted,
    '-o',
    at('s.json'),
    '--client-plan',
    at('c.json'),
    '--hint',
    at('h.bin'),
  );
  good(...encrypt('k.key', '--hint', at('h.bin'), '-o', at('u.ct')));
  good('evaluate', '--plan', at('s.json'), '-i', at('u.ct'), '-o', at('r.ct'));
});

describe('a hint and one-time keys in files', () => {
  it('refuses what cannot work, and touches nothing', () => {
    refused(encrypt('k.key', '--hint', at('h.bin'), '-o', at('n.ct')), 'there is a file already');
    refused(encrypt('n.key', '-o', at('n.ct')), '--hint FILE');
    refused(encrypt('n.key', '--hint', at('u.ct'), '-o', at('n.ct')), 'another kind of message');
    const bytes = readFileSync(at('h.bin'));
    bytes[100]! ^= 1;
    writeFileSync(at('wrong.bin'), bytes);
    refused(
      encrypt('n.key', '--hint', at('wrong.bin'), '-o', at('n.ct')),
      'this is not the hint that the plan was made with',
    );
    refused(
      ['encrypt', '--plan', at('c.json'), '--secret-key', at('k.key'), '-i', at('x.json'), '-o', at('n.ct')],
      'no key of it serves twice',
    );
    refused(['keygen', '--plan', at('c.json'), '--secret-key', at('n.key')], 'there is none to keep');
    refused(encrypt('n.key', '--hint', at('h.bin'), '-o', '/dev/full'), 'no space left');
    refused(decrypt('u.ct', 'r.ct', 'n.json'), 'not a one-time key');
    refused(decrypt('k.key', 'u.ct', 'n.json'), 'another kind of message');
    const standard = ['--protocol', 'standard', '-o', at('n.json'), '--hint', at('n.bin')];
    refused(['compile', at('f.conv.json'), ...standard], 'the plan has no hint');
  });

  it('gives the convolution; the key is private, and gone when it was used', () => {
    if (process.platform !== 'win32') expect(statSync(at('k.key')).mode & 0o777).toBe(0o600);
    // Through a link: what is removed is the key, not the link alone.
    symlinkSync(at('k.key'), at('link.key'));
    good(...decrypt('link.key', 'r.ct', 'y.json'));
    expect(existsSync(at('k.key'))).toBe(false);
    expect(namesIn(folder)).not.toContain('link.key');
    const { plan } = parsePlan(readFileSync(at('s.json'), 'utf8'), 's.json');
    const expected = convolve(plan.spec, { shape: [1, 1, 4, 4], data: Float64Array.from(data) });
    const output = JSON.parse(readFileSync(at('y.json'), 'utf8')) as { data: unknown[] };
    expect(output.data.flat(Infinity)).toEqual([...expected.data]);
    refused(decrypt('k.key', 'r.ct', 'y2.json'), 'encrypt again');
  });

  it.runIf(process.platform === 'linux')('is used where its path is none that can be removed', () => {
    good(...encrypt('fd.key', '--hint', at('h.bin'), '-o', at('fd.ct')));
    good('evaluate', '--plan', at('s.json'), '-i', at('fd.ct'), '-o', at('fd-r.ct'));
    /** $0 is the key, $@ the program: the key comes to its stdin by `way`. */
    const through = (way: string, output: string): { status: number | null; stderr: string } => {
      const args = decrypt('fd.key', 'fd-r.ct', output).map((arg) =>
        arg === at('fd.key') ? '/dev/fd/0' : arg,
      );
      return spawnSync('sh', ['-c', way, at('fd.key'), process.execPath, BIN, ...args], { encoding: 'utf8' });
    };
    // From a pipe: there is no file to take away, and the output is as good.
    const piped = through('cat "$0" | "$@"', 'fd-1.json');
    expect(piped.stderr).toContain('the one-time key cannot be taken away');
    expect(piped.status).toBe(0);
    // From a file, which is the key.
    expect(through('"$@" < "$0"', 'fd-2.json').status).toBe(0);
    expect(existsSync(at('fd.key'))).toBe(false);
    expect(readFileSync(at('fd-2.json'), 'utf8')).toBe(readFileSync(at('fd-1.json'), 'utf8'));
  });

  it('leaves links alone that do not point straight at it: root could remove /dev/stdin', () => {
    good(...encrypt('far.key', '--hint', at('h.bin'), '-o', at('far.ct')));
    good('evaluate', '--plan', at('s.json'), '-i', at('far.ct'), '-o', at('far-r.ct'));
    symlinkSync(at('far.key'), at('near.link'));
    symlinkSync(at('near.link'), at('far.link'));
    good(...decrypt('far.link', 'far-r.ct', 'far.json'));
    expect(namesIn(folder)).toEqual(expect.arrayContaining(['far.link', 'near.link']));
    expect(namesIn(folder)).not.toContain('far.key');
  });
});
