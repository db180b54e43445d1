/** keygen, encrypt, evaluate, decrypt: four processes against one. */
import { spawnSync } from 'node:child_process';
import { chmodSync, linkSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { namesIn, ROOT } from './spawnCli.ts';
import {
  folder,
  at,
  GAUSSIAN,
  PICTURE,
  mode,
  good,
  refused,
  files,
  g,
  keygen,
  decrypt,
  throughProcesses,
  expectSameAsRun,
} from './keyFiles.ts';

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
