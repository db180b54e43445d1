/** `infer` against a server process: plans and models; one input, a stack, a folder. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeNpy, encodeNpy } from '../../src/frontend/npy.ts';
import { residualModel, SHAPE } from '../model/models.ts';
import { servingProcess } from '../support/servingProcess.ts';
import type { ServingProcess } from '../support/servingProcess.ts';
import { cipherconv, namesIn, temporaryFolder } from './spawnCli.ts';

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const CONFIG = 'examples/1-gaussian/gaussian.conv.json';
let server: ServingProcess;

const values = (seed: number): Float64Array =>
  Float64Array.from({ length: 16 }, (_, index) => (index * 53 + seed) % 256);

beforeAll(async () => {
  writeFileSync(at('net.onnx'), residualModel());
  for (const seed of [1, 2])
    writeFileSync(at(`x${seed}.npy`), encodeNpy({ shape: SHAPE, data: values(seed) }));
  const stack = new Float64Array(32);
  stack.set(values(1));
  stack.set(values(2), 16);
  writeFileSync(at('stack.npy'), encodeNpy({ shape: [2, 1, 4, 4], data: stack }));
  for (const [source, name] of [
    [at('net.onnx'), 'net'],
    [CONFIG, 'conv'],
  ] as const) {
    const made = cipherconv([
      '-q',
      'compile',
      source,
      '-o',
      at(`${name}.plan`),
      '--client-plan',
      at(`${name}.client`),
    ]);
    expect(made.code).toBe(0);
  }
  for (const seed of [1, 2]) {
    const ran = cipherconv(['-q', 'run', at('net.onnx'), '-i', at(`x${seed}.npy`), '-o', at(`y${seed}.npy`)]);
    expect(ran.code).toBe(0);
  }
  server = await servingProcess([at('net.plan'), at('conv.plan')]);
});

afterAll(async () => {
  await server.kill('SIGTERM');
});

const infer = (...args: string[]): ReturnType<typeof cipherconv> =>
  cipherconv(['-q', 'infer', '--server', server.url, ...args]);
const read = (path: string): readonly number[] => [...decodeNpy(readFileSync(path), path).data];

describe('infer', () => {
  it('of a model gives the very file that run gives', () => {
    const ended = infer('--plan', at('net.client'), '-i', at('x1.npy'), '-o', at('z.npy'));
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(readFileSync(at('z.npy'))).toEqual(readFileSync(at('y1.npy')));
    expect(ended.stdout).toContain('2 rounds each');
  });

  it('of a stack and of a folder gives the outputs of each', () => {
    expect(infer('--plan', at('net.client'), '-i', at('stack.npy'), '-o', at('all.npy')).code).toBe(0);
    expect(read(at('all.npy'))).toEqual([...read(at('y1.npy')), ...read(at('y2.npy'))]);
    mkdirSync(at('in'));
    for (const seed of [1, 2]) writeFileSync(at(`in/${seed}.npy`), readFileSync(at(`x${seed}.npy`)));
    writeFileSync(at('in/notes.txt'), 'not an input');
    const ended = infer('--plan', at('net.client'), '-i', at('in'), '-o', at('out'), '--json');
    expect(namesIn(at('out'))).toEqual(['1.npy', '2.npy']);
    for (const seed of [1, 2]) expect(read(at(`out/${seed}.npy`))).toEqual(read(at(`y${seed}.npy`)));
    const report = JSON.parse(ended.stdout) as Record<string, unknown>;
    expect(report).toMatchObject({ kind: 'model', name: 'residual', inferences: 2, rounds: 2 });
    expect(report['results']).toHaveLength(2);
  });

  it('of a convolution gives what run gives, and without --output the values', () => {
    const picture = 'examples/picture-28.png';
    expect(cipherconv(['-q', 'run', CONFIG, '-i', picture, '-o', at('ran.npy')]).code).toBe(0);
    expect(infer('--plan', at('conv.client'), '-i', picture, '-o', at('conv.npy')).code).toBe(0);
    expect(read(at('conv.npy'))).toEqual(read(at('ran.npy')));
    const { stdout } = infer('--plan', at('net.client'), '-i', at('x1.npy'), '--json');
    const [result] = (JSON.parse(stdout) as { results: { inferences: { outputs: object }[] }[] }).results;
    expect(Object.values(result!.inferences[0]!.outputs)).toEqual([
      { shape: [...SHAPE], data: read(at('y1.npy')) },
    ]);
  });
});

describe('run of many inputs', () => {
  it('of a model: a stack and a folder, compared one by one', () => {
    const stack = cipherconv([
      '-q',
      'run',
      at('net.onnx'),
      '-i',
      at('stack.npy'),
      '-o',
      at('ran-all.npy'),
      '--json',
    ]);
    expect(read(at('ran-all.npy'))).toEqual([...read(at('y1.npy')), ...read(at('y2.npy'))]);
    expect(JSON.parse(stack.stdout)).toMatchObject({
      match: true,
      inferences: 2,
      results: [{ match: true }, { match: true }],
    });
    const folderRun = cipherconv(['-q', 'run', at('net.onnx'), '-i', at('in'), '-o', at('ran')]);
    expect(folderRun).toMatchObject({ code: 0 });
    expect(folderRun.stdout).toContain('equal: all 2 inferences');
    for (const seed of [1, 2]) expect(read(at(`ran/${seed}.npy`))).toEqual(read(at(`y${seed}.npy`)));
  });

  it('of a convolution: one key for all', () => {
    const picture = readFileSync('examples/picture-28.png');
    mkdirSync(at('pictures'));
    for (const name of ['a.png', 'b.png']) writeFileSync(join(at('pictures'), name), picture);
    const ended = cipherconv(['-q', 'run', CONFIG, '-i', at('pictures'), '-o', at('filtered')]);
    expect(ended).toMatchObject({ code: 0 });
    for (const name of ['a', 'b']) expect(read(at(`filtered/${name}.npy`))).toEqual(read(at('ran.npy')));
  });
});

describe('infer refuses with one error and exit 2, and writes nothing', () => {
  const refused = (args: readonly string[], ...parts: readonly string[]): void => {
    const before = namesIn(folder);
    const ended = cipherconv(['-q', 'infer', ...args]);
    expect(ended).toMatchObject({ code: 2, stdout: '' });
    expect(ended.stderr).toMatch(/^error: /);
    for (const part of parts) expect(ended.stderr).toContain(part);
    expect(namesIn(folder)).toEqual(before);
  };
  const good = (): string[] => ['--plan', at('net.client'), '--server', server.url];

  it('the wrong side, a wrong server, a wrong input, an output over an input', () => {
    refused(['--plan', at('net.plan'), '--server', server.url, '-i', at('x1.npy')], 'a client plan');
    refused(
      ['--plan', at('net.client'), '--server', 'nowhere', '-i', at('x1.npy')],
      'not the address of a server',
    );
    refused([...good(), '-i', at('missing.npy')], 'no such file');
    refused([...good(), '-i', at('x1.npy'), '-o', at('x1.npy')], 'the same file');
    writeFileSync(at('small.npy'), encodeNpy({ shape: [1, 1, 2, 2], data: new Float64Array(4) }));
    refused([...good(), '-i', at('small.npy')], 'another shape', '[1, 1, 4, 4]');
  });

  it('a folder without inputs, or whose outputs would be one file', () => {
    mkdirSync(at('empty'));
    refused([...good(), '-i', at('empty')], 'there is no input in this folder');
    mkdirSync(at('twins'));
    for (const name of ['a.npy', 'a.json'])
      writeFileSync(join(at('twins'), name), readFileSync(at('x1.npy')));
    refused([...good(), '-i', at('twins'), '-o', at('results')], 'would be the same file');
  });

  it('a model that the server has not', () => {
    const other = ['-q', 'compile', at('net.onnx'), '--blind', 'random', '-o', at('other.plan')];
    expect(cipherconv([...other, '--client-plan', at('other.client')]).code).toBe(0);
    const args = ['--plan', at('other.client'), '--server', server.url, '-i', at('x1.npy')];
    refused(args, 'status 404', 'No such model is served');
  });
});
