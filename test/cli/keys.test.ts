/** keygen, encrypt, evaluate, decrypt: four processes against one. */
import { spawnSync } from 'node:child_process';
import { chmodSync, linkSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { cipherconv, namesIn, ROOT, temporaryFolder } from './spawnCli.ts';
import type { Ended } from './spawnCli.ts';

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const GAUSSIAN = join(ROOT, 'examples', '1-gaussian', 'gaussian.conv.json');
const PICTURE = join(ROOT, 'examples', 'picture-28.png');
const mode = (name: string): string => (statSync(at(name)).mode & 0o777).toString(8);

function good(args: readonly string[]): Ended {
  const ended = cipherconv(args);
  expect(ended.stderr).not.toContain('error');
  expect(ended.code).toBe(0);
  return ended;
}

/** Exit 2, one message without a stack trace, nothing on stdout, no file more or less. */
function refused(args: readonly string[], ...parts: string[]): void {
  const before = namesIn(folder);
  const { code, stdout, stderr } = cipherconv(args);
  for (const part of parts) expect(stderr).toContain(part);
  expect(stderr).not.toMatch(/^\s+at /m);
  expect(stdout).toBe('');
  expect(code).toBe(2);
  expect(namesIn(folder)).toEqual(before);
}

/** Files of one plan under a prefix: plan, client plan, secret key, evaluation keys, ciphertexts. */
function files(prefix: string): Record<'plan' | 'client' | 'key' | 'keys' | 'up' | 'down', string> {
  const name = (end: string): string => at(`${prefix}.${end}`);
  return {
    plan: name('plan.json'),
    client: name('client.json'),
    key: name('key'),
    keys: name('keys'),
    up: name('up'),
    down: name('down'),
  };
}

const g = files('g');
const keygen = (f: typeof g): string[] => [
  'keygen',
  '--plan',
  f.client,
  '--secret-key',
  f.key,
  '--evaluation-keys',
  f.keys,
];
const encrypt = (f: typeof g, input: string): string[] => [
  'encrypt',
  '--plan',
  f.client,
  '--secret-key',
  f.key,
  '-i',
  input,
  '-o',
  f.up,
];
const evaluate = (f: typeof g): string[] => [
  'evaluate',
  '--plan',
  f.plan,
  '--evaluation-keys',
  f.keys,
  '-i',
  f.up,
  '-o',
  f.down,
];
const decrypt = (f: typeof g, output: string): string[] => [
  'decrypt',
  '--plan',
  f.client,
  '--secret-key',
  f.key,
  '-i',
  f.down,
  '-o',
  output,
];

/** Four processes: keys, ciphertext, result, and the output file of the prefix. */
function throughProcesses(f: typeof g, config: string, input: string, extra: readonly string[] = []): void {
  good(['compile', config, '-o', f.plan, '--client-plan', f.client, ...extra]);
  for (const step of [keygen(f), encrypt(f, input), evaluate(f), decrypt(f, `${f.down}.npy`)]) good(step);
}

/** They gave, byte for byte, the output file of `run` in one process. */
function expectSameAsRun(f: typeof g, input: string): void {
  good(['run', f.plan, '-i', input, '-o', at('run.npy')]);
  expect(readFileSync(`${f.down}.npy`).equals(readFileSync(at('run.npy')))).toBe(true);
}

beforeAll(() => {
  throughProcesses(g, GAUSSIAN, PICTURE);
});

describe('four processes give what one gives', () => {
  it('for a picture and the toeplitz lowering', () => {
    expectSameAsRun(g, PICTURE);
    expect(mode('g.key')).toBe('600');
    const { bytes } = JSON.parse(readFileSync(g.plan, 'utf8')) as {
      bytes: { upload: number; response: number };
    };
    expect(statSync(g.up).size).toBe(bytes.upload + 40);
    expect(statSync(g.down).size).toBe(bytes.response + 40);
  });

  it('for the diagonals lowering, with evaluation keys', () => {
    const d = files('d');
    throughProcesses(d, GAUSSIAN, PICTURE, ['--lowering', 'diagonals']);
    expectSameAsRun(d, PICTURE);
    const { keys } = JSON.parse(readFileSync(d.plan, 'utf8')) as { keys: { bytes: number } };
    expect(statSync(d.keys).size).toBe(keys.bytes + 40);
    refused(
      ['evaluate', '--plan', d.plan, '-i', d.up, '-o', at('none')],
      'evaluation keys of the client are missing',
    );
    refused(['keygen', '--plan', d.client, '--secret-key', at('none')], '--evaluation-keys FILE');
    refused(
      ['evaluate', '--plan', d.plan, '--evaluation-keys', g.keys, '-i', d.up, '-o', at('none')],
      'g.keys',
      'another plan',
    );
  });

  it('in NHWC with several channels and a JSON tensor', () => {
    const config = {
      version: 1,
      name: 'nhwc',
      input: { shape: [1, 3, 4, 2], layout: 'NHWC', bits: 4, zeroPoint: 3 },
      weights: {
        shape: [2, 2, 2, 3],
        layout: 'HWIO',
        bits: 3,
        signed: true,
        values: Array.from({ length: 24 }, (_, i) => (i % 8) - 4),
      },
      bias: [5, -6, 7],
    };
    writeFileSync(at('n.conv.json'), JSON.stringify(config));
    writeFileSync(
      at('n.json'),
      JSON.stringify({ shape: [1, 3, 4, 2], data: Array.from({ length: 24 }, (_, i) => (i * 7) % 16) }),
    );
    throughProcesses(files('n'), at('n.conv.json'), at('n.json'));
    expectSameAsRun(files('n'), at('n.json'));
  });

  it('through pipes', () => {
    const bin = join(ROOT, 'src', 'cli', 'bin.ts');
    const pipe = (args: readonly string[], input: Buffer): Buffer =>
      spawnSync(process.execPath, [bin, ...args], { input, env: { ...process.env, NODE_OPTIONS: '' } })
        .stdout;
    const tensor = Buffer.from(JSON.stringify({ shape: [1, 1, 28, 28], data: new Array(784).fill(3) }));
    const up = pipe(['encrypt', '--plan', g.client, '--secret-key', g.key, '-i', '-', '-o', '-'], tensor);
    const down = pipe(['evaluate', '--plan', g.plan, '-i', '-', '-o', '-'], up);
    const out = pipe(['decrypt', '--plan', g.client, '--secret-key', g.key, '-i', '-', '-o', '-'], down);
    const { data } = JSON.parse(out.toString()) as { data: number[] };
    expect(Math.max(...data)).toBe(45);
    expect(data[0]).toBe(3 * 8);
  });
});

describe('the secret key file', () => {
  it('is never overwritten without --force, and 0600 also when it replaces', () => {
    const before = readFileSync(g.key);
    refused(keygen(g), 'g.key', 'there is a file already', '--force');
    expect(readFileSync(g.key).equals(before)).toBe(true);
    symlinkSync(at('nowhere'), at('dangling'));
    refused(
      ['keygen', '--plan', g.client, '--secret-key', at('dangling')],
      'dangling',
      'there is a file already',
    );
    writeFileSync(at('open.key'), 'x');
    chmodSync(at('open.key'), 0o666);
    good(['keygen', '--plan', g.client, '--secret-key', at('open.key'), '--force']);
    expect(mode('open.key')).toBe('600');
    expect(namesIn(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('that others may read is warned of', () => {
    writeFileSync(at('shared.key'), readFileSync(g.key));
    chmodSync(at('shared.key'), 0o644);
    const shared = { ...g, key: at('shared.key') };
    expect(good(decrypt(shared, at('s.json'))).stderr).toMatch(/warning: .*shared\.key.*mode 644/);
    expect(good(decrypt(g, at('s.json'))).stderr).not.toContain('warning');
  });

  it('goes into a file', () => {
    refused(['keygen', '--plan', g.client, '--secret-key', '-'], 'not to stdout');
    refused(['keygen', '--plan', g.client, '--secret-key', join(g.plan, 'x')], 'cannot be written');
    refused(['keygen', '--plan', g.client, '--secret-key', at('no/x')], 'no such file or folder');
  });
});

describe('what does not belong together is refused, exit 2', () => {
  const other = files('o');

  it('plans, keys and ciphertexts of others', () => {
    good([
      'compile',
      GAUSSIAN,
      '-o',
      other.plan,
      '--client-plan',
      other.client,
      '--objective',
      'bandwidth',
      '--degree',
      '2048',
    ]);
    good(keygen(other));
    refused(
      ['encrypt', '--plan', other.client, '--secret-key', g.key, '-i', PICTURE, '-o', at('none')],
      'g.key',
      'key of another plan',
    );
    refused(
      ['evaluate', '--plan', other.plan, '-i', g.up, '-o', at('none')],
      'g.up',
      'message of another plan',
    );
    refused(
      ['decrypt', '--plan', other.client, '--secret-key', other.key, '-i', g.down, '-o', at('none.npy')],
      'g.down',
      'another plan',
    );
    refused(
      ['decrypt', '--plan', g.client, '--secret-key', g.key, '-i', g.up, '-o', at('none.npy')],
      'g.up',
      'another kind',
    );
    refused(
      ['encrypt', '--plan', g.plan, '--secret-key', g.key, '-i', PICTURE, '-o', at('none')],
      'a client plan',
      'a server plan',
    );
    refused(['evaluate', '--plan', g.client, '-i', g.up, '-o', at('none')], 'a server plan', 'a client plan');
    refused(
      ['encrypt', '--plan', GAUSSIAN, '--secret-key', g.key, '-i', PICTURE, '-o', at('none')],
      'gaussian.conv.json',
    );
    refused(
      ['decrypt', '--plan', g.client, '--secret-key', g.keys, '-i', g.down, '-o', '-'],
      'g.keys',
      'not a secret key',
    );
  });

  it('a client plan where weights are needed', () => {
    refused(['run', g.client, '-i', PICTURE], 'a client plan has no weights');
    refused(['explain', g.client], 'a client plan has no weights');
  });

  it('what is cut off, changed or missing', () => {
    writeFileSync(at('short'), readFileSync(g.up).subarray(0, -1));
    refused(['evaluate', '--plan', g.plan, '-i', at('short'), '-o', at('none')], 'short', 'cut off');
    writeFileSync(at('long'), Buffer.concat([readFileSync(g.down), Buffer.alloc(1)]));
    refused(
      ['decrypt', '--plan', g.client, '--secret-key', g.key, '-i', at('long'), '-o', '-'],
      'long',
      'left over',
    );
    writeFileSync(at('large'), readFileSync(g.up).fill(255, 40, 48));
    refused(
      ['evaluate', '--plan', g.plan, '-i', at('large'), '-o', at('none')],
      'large',
      'not below its modulus',
    );
    refused(['evaluate', '--plan', g.plan, '-i', at('missing'), '-o', at('none')], 'no such file');
    refused(['evaluate', '--plan', at('missing'), '-i', g.up, '-o', at('none')], 'no such file');
    refused(['decrypt', '--plan', g.client, '--secret-key', g.key, '-i', g.down, '-o', at('y.txt')], 'y.txt');
    refused(['encrypt', '--plan', g.client, '--secret-key', g.key, '-i', PICTURE], '--output');
    const wide = at('wide.json');
    writeFileSync(wide, JSON.stringify({ shape: [1, 1, 28, 28], data: new Array(784).fill(4) }));
    refused(
      ['encrypt', '--plan', g.client, '--secret-key', g.key, '-i', wide, '-o', at('none')],
      'outside its declared range',
    );
  });

  it('one file as input and output, also by another name', () => {
    linkSync(g.key, at('hardlink'));
    symlinkSync(g.up, at('link'));
    refused(
      ['encrypt', '--plan', g.client, '--secret-key', g.key, '-i', PICTURE, '-o', at('hardlink')],
      'same file',
    );
    refused(['evaluate', '--plan', g.plan, '-i', g.up, '-o', at('link')], 'same file');
    refused(
      ['keygen', '--plan', g.client, '--secret-key', at('one'), '--evaluation-keys', at('one')],
      'same file',
    );
    refused(['compile', GAUSSIAN, '-o', at('two'), '--client-plan', join(folder, '.', 'two')], 'same file');
    refused(
      ['decrypt', '--plan', '-', '--secret-key', '-', '-i', g.down, '-o', '-'],
      'cannot both come from stdin',
    );
  });
});
