import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { create, toBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { makeTensor } from '../../compiler/base/tensor.ts';
import { readBytes, readText } from '../../src/frontend/files.ts';
import { decodeText } from '../../src/frontend/text.ts';
import { encodeNpy } from '../../src/frontend/npy.ts';
import { externalReader } from '../../src/frontend/onnx/proto/externalData.ts';
import { TensorProtoSchema } from '../../src/frontend/onnx/proto/onnx_pb.ts';
import type { TensorProto } from '../../src/frontend/onnx/proto/onnx_pb.ts';
import { readStream } from '../../src/frontend/regularFiles.ts';
import { loadConfig, npyLoader } from '../../src/frontend/sources.ts';
import { openCalibration } from '../../src/lint/calibrationInputs.ts';
import { lint } from '../../src/lint/lint.ts';
import { temporaryFolder } from '../cli/spawnCli.ts';
import { config, refusal } from './fixtures.ts';

const folder = temporaryFolder();
const at = (...names: string[]): string => join(folder, ...names);
const project = at('project');
mkdirSync(project);
mkdirSync(at('project', 'weights'));

function pipe(...names: string[]): string {
  execFileSync('mkfifo', [at(...names)]);
  return at(...names);
}

function linkTo(target: string, ...names: string[]): string {
  symlinkSync(target, at(...names));
  return at(...names);
}

const WEIGHTS = encodeNpy(makeTensor([1, 1, 2, 2], [1, 2, 3, 0]));
writeFileSync(at('project', 'weights', 'w.npy'), WEIGHTS);
writeFileSync(at('outside.npy'), WEIGHTS);

/** Paths that nobody named, none of them a regular file below the folder: what to refuse, and why. */
const HOSTILE: readonly (readonly [string, string])[] = [
  ['zero.npy', 'a device'],
  ['full.npy', 'a device'],
  ['random.npy', 'a device'],
  ['pipe.npy', 'a pipe'],
  ['linked-pipe.npy', 'a pipe'],
  ['weights', 'a folder'],
];
linkTo('/dev/zero', 'zero');
linkTo('/dev/full', 'full');
linkTo('/dev/urandom', 'random');
pipe('project', 'pipe.npy');
linkTo('pipe.npy', 'project', 'linked-pipe.npy');
for (const name of ['zero', 'full', 'random'])
  linkTo(`/dev/${name === 'random' ? 'urandom' : name}`, 'project', `${name}.npy`);

function weightsFrom(npy: string): string {
  const path = at('project', 'a.conv.json');
  writeFileSync(path, JSON.stringify(config({ weights: { shape: [1, 1, 2, 2], bits: 2, values: { npy } } })));
  return path;
}

describe('the .npy of a config', () => {
  it('is read below its folder, through links that stay there', async () => {
    linkTo(at('project', 'weights'), 'project', 'link');
    linkTo(project, 'other-name');
    for (const npy of ['weights/w.npy', './weights/w.npy', 'link/w.npy']) {
      const { spec } = await loadConfig(weightsFrom(npy));
      expect(spec.weights.values).toEqual([1, 2, 3, 0]);
    }
    expect((await loadConfig(at('other-name', 'a.conv.json'))).spec.weights.values).toEqual([1, 2, 3, 0]);
  });

  linkTo(at('outside.npy'), 'project', 'leads-out.npy');
  linkTo(folder, 'project', 'up');
  it.each([
    '../outside.npy',
    at('outside.npy'),
    'weights/../../outside.npy',
    '/dev/zero',
    'C:\\w.npy',
    '',
    'w\0.npy',
  ])('does not leave it: %j', (npy) => {
    refusal(
      () => npyLoader(at('project', 'a.conv.json'))(npy),
      'malformed-config',
      "outside the config's folder",
    );
  });
  it.each(['leads-out.npy', 'up/outside.npy', 'zero.npy'])('nor through a link: %s', (npy) => {
    refusal(
      () => npyLoader(at('project', 'a.conv.json'))(npy),
      'malformed-config',
      'a link that leads out of it',
    );
  });
  it('is a regular file', () => {
    for (const npy of ['pipe.npy', 'linked-pipe.npy'])
      refusal(
        () => npyLoader(at('project', 'a.conv.json'))(npy),
        'unreadable',
        npy,
        'a pipe, not a regular file',
      );
    refusal(() => npyLoader(at('project', 'a.conv.json'))('weights'), 'unreadable', 'it is a folder');
    // A config in /dev itself may name a device beside it.
    refusal(() => npyLoader('/dev/a.conv.json')('zero'), 'unreadable', 'a device, not a regular file');
  });
});

describe('external data of a model', () => {
  const proto = (location: string): TensorProto =>
    create(TensorProtoSchema, { externalData: [{ key: 'location', value: location }] });

  it('are a regular file below its folder', () => {
    const read = externalReader(project);
    expect(read(proto('weights/w.npy'), 4, 'w')).toEqual(WEIGHTS.slice(0, 4));
    refusal(() => read(proto('pipe.npy'), 4, 'w'), 'unreadable', 'a pipe, not a regular file');
    refusal(
      () => externalReader('/dev')(proto('zero'), 4, 'w'),
      'unreadable',
      'a device, not a regular file',
    );
    refusal(() => read(proto('leads-out.npy'), 4, 'w'), 'malformed-model', 'a link that leads out of it');
    expect(toBinary(TensorProtoSchema, proto('x')).length).toBeGreaterThan(0);
  });
});

describe('what a search finds', () => {
  it('devices, pipes and links to them are findings of the linter, and the rest is linted', async () => {
    const tree = at('tree');
    mkdirSync(tree);
    writeFileSync(join(tree, 'good.conv.json'), JSON.stringify(config()));
    pipe('tree', 'pipe.conv.json');
    linkTo('/dev/zero', 'tree', 'zero.onnx');
    linkTo('/dev/full', 'tree', 'full.conv.json');
    const { findings, layers } = await lint([tree]);
    expect(layers).toHaveLength(1);
    const unread = findings.filter(({ rule }) => rule === 'unreadable');
    expect(unread.map(({ file }) => file)).toEqual(
      ['full.conv.json', 'pipe.conv.json', 'zero.onnx'].map((name) => join(tree, name)),
    );
    for (const { message } of unread) expect(message).toContain('regular file');
  });

  it('a settings file above a config that is a pipe is refused', async () => {
    mkdirSync(at('settings'));
    writeFileSync(at('settings', 'good.conv.json'), JSON.stringify(config()));
    pipe('settings', 'cipherconv.config.json');
    const { findings } = await lint([at('settings', 'good.conv.json')]);
    expect(findings.map(({ rule, message }) => [rule, message])).toContainEqual([
      'unreadable',
      expect.stringContaining('a pipe, not a regular file'),
    ]);
  });

  it.each(HOSTILE.slice(0, 5))('sample inputs in a folder: %s', async (name, reason) => {
    const samples = at(`samples-${name}`);
    mkdirSync(samples);
    linkTo(at('project', name), `samples-${name}`, name);
    await expect(openCalibration(samples)).rejects.toMatchObject({
      code: 'unreadable',
      message: expect.stringContaining(reason) as string,
    });
  });
});

describe('what the user named', () => {
  it('may be a pipe', async () => {
    const path = pipe('named.conv.json');
    const [text] = await Promise.all([readText(path), writeFile(path, 'hello')]);
    expect(text).toBe('hello');
  });

  it.each(['/dev/zero', '/dev/full'])('is no device: %s', async (path) => {
    await expect(readBytes(path)).rejects.toMatchObject({
      code: 'unreadable',
      message: `${path}: cannot be read: it is a device, not a regular file`,
    });
  });

  it('is read up to a limit when it is a pipe, and no further', async () => {
    const chunks = (count: number, taken: { count: number }): Readable =>
      Readable.from(
        (function* () {
          for (let index = 0; index < count; index++) {
            taken.count++;
            yield Buffer.alloc(10, index);
          }
        })(),
      );
    const all = { count: 0 };
    expect(await readStream(chunks(10, all), 100)).toHaveLength(100);
    const endless = { count: 0 };
    await expect(readStream(chunks(1e9, endless), 100)).rejects.toThrow('more than 100 bytes');
    expect(endless.count).toBeLessThan(40);
  });
});

describe('a text', () => {
  it('that is too long is refused for its length, before it is read', async () => {
    const path = at('long.conv.json');
    writeFileSync(path, '');
    truncateSync(path, 2 ** 29);
    await expect(readText(path)).rejects.toMatchObject({
      code: 'unreadable',
      details: { message: 'the text is too long', found: '536870912 bytes' },
    });
  });

  it('has a limit on both sides, and its own reason for bytes that are not UTF-8', () => {
    const bytes = new TextEncoder().encode('abcdef');
    expect(decodeText(bytes, 'a', 6)).toBe('abcdef');
    refusal(
      () => decodeText(bytes, 'a', 5),
      'unreadable',
      'the text is too long',
      'at most 5 bytes',
      '6 bytes',
    );
    refusal(() => decodeText(Uint8Array.of(0xff), 'a'), 'unreadable', 'not UTF-8');
  });
});
