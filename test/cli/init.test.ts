import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { makeTensor } from '../../compiler/base/tensor.ts';
import { initCommand } from '../../src/cli/actions/init.ts';
import { createTerminal } from '../../src/cli/terminal.ts';
import { askOn } from '../../src/init/questions.ts';
import { schemaPlace } from '../../src/init/schemaFile.ts';
import { parseFilterConfig } from '../../src/frontend/config.ts';
import { encodeNpy, encodeNpyFloats } from '../../src/frontend/npy.ts';
import { configJsonSchema } from '../../src/frontend/schema.ts';
import { lint } from '../../src/lint/lint.ts';
import { exportModel } from '../../src/fit/exportModel.ts';
import { writeTflite } from '../support/tflite/writeModel.ts';
import type { WrittenTensor } from '../support/tflite/writeModel.ts';
import { BARS, randomNetwork } from '../fit/small.ts';
import { cipherconv, namesIn, ROOT, temporaryFolder } from './spawnCli.ts';

const folder = temporaryFolder();
const path = (name: string): string => join(folder, name);

/** The errors and warnings of the linter. */
async function findings(file: string): Promise<string[]> {
  const report = await lint([file]);
  return report.findings
    .filter(({ level }) => level !== 'info')
    .map(({ rule, message }) => `${rule}: ${message}`);
}

/** A model of one dense layer, `logits`, from 3 inputs to 2 outputs. */
function denseTflite(): Uint8Array {
  const tensor = (name: string, rest: Partial<WrittenTensor>): WrittenTensor => ({
    name,
    type: 'int8',
    shape: [1, 3],
    scales: [0.05],
    zeroPoints: [0],
    axis: 0,
    data: null,
    ...rest,
  });
  return writeTflite({
    tensors: [
      tensor('x', {}),
      tensor('w', { shape: [2, 3], data: [1, -2, 3, -4, 50, 60] }),
      tensor('b', { type: 'int32', shape: [2], scales: [0.0025], data: [7, -7] }),
      tensor('logits', { shape: [1, 2] }),
    ],
    nodes: [
      {
        name: 'logits',
        operation: { op: 'FULLY_CONNECTED', activation: 'NONE', biasType: null },
        inputs: ['x', 'w', 'b'],
        outputs: ['logits'],
      },
    ],
    inputs: ['x'],
    outputs: ['logits'],
  });
}

/** Runs `init` as where a person answers. */
async function answered(
  flags: Parameters<typeof initCommand>[0],
  answers: readonly string[],
): Promise<string> {
  const [input, output] = [new PassThrough(), new PassThrough()];
  let said = '';
  output.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  input.end(answers.map((answer) => `${answer}\n`).join(''));
  const print = (text: string): void => {
    said += text;
  };
  await initCommand(flags, { ...createTerminal(true, () => undefined), print }, askOn(input, output));
  return said;
}

describe('questions', () => {
  it('a filter, asked again after what is none', async () => {
    const file = path('asked.conv.json');
    const said = await answered({ output: file }, ['sobl', 'nothing', 'sobel']);
    expect(said).toMatch(/Which filter\? gaussian, .*did you mean sobel\?\n.*one of gaussian, /s);
    expect(parseFilterConfig(readFileSync(file, 'utf8')).spec.name).toBe('sobel');
    await answered({ output: path('empty.conv.json') }, ['']);
    expect(parseFilterConfig(readFileSync(path('empty.conv.json'), 'utf8')).spec.name).toBe('gaussian');
  });

  it('the bits of floats', async () => {
    const weights = { shape: [1, 1, 1, 3], data: Float64Array.of(0.5, -1, 0.25) };
    writeFileSync(path('f.npy'), encodeNpyFloats(weights));
    await answered({ from: path('f.npy'), output: path('f.conv.json') }, ['1', '3']);
    const { spec } = parseFilterConfig(readFileSync(path('f.conv.json'), 'utf8'));
    expect([spec.weights.bits, spec.weights.values]).toEqual([3, [2, -3, 1]]);
  });

  it('end when the input does, or after answers that are none', async () => {
    await expect(answered({ output: path('n.json') }, ['x'])).rejects.toThrow('no answer');
    await expect(answered({ output: path('n.json') }, Array.from('abcdefgh'))).rejects.toThrow('no answer');
    expect(namesIn(folder)).not.toContain('n.json');
  });
});

describe('the schema of a config', () => {
  it('is that of the project, or a copy beside the config', () => {
    const installed = path('project/node_modules/cipherconv/schema/conv.schema.json');
    mkdirSync(dirname(installed), { recursive: true });
    writeFileSync(installed, 'schema');
    expect(schemaPlace(path('project/filters'), installed)).toEqual({
      path: '../node_modules/cipherconv/schema/conv.schema.json',
      copy: null,
    });
    expect(schemaPlace(path('project'), installed).path).toBe(
      './node_modules/cipherconv/schema/conv.schema.json',
    );
    const copy = path('other/conv.schema.json');
    expect(schemaPlace(path('other'), installed)).toEqual({
      path: './conv.schema.json',
      copy: { path: copy, text: 'schema' },
    });
    mkdirSync(path('other'));
    writeFileSync(copy, 'schema');
    expect(schemaPlace(path('other'), installed).copy).toBeNull();
    writeFileSync(copy, JSON.stringify({ title: configJsonSchema()['title'], version: 'older' }));
    expect(schemaPlace(path('other'), installed).copy).toEqual({ path: copy, text: 'schema' });
    for (const foreign of ['{"title":"convolutions of another program"}', 'no JSON', 'null']) {
      writeFileSync(copy, foreign);
      expect(() => schemaPlace(path('other'), installed)).toThrow('another schema of this name');
    }
  });
});

describe('init', () => {
  it('from nothing to an encrypted filtered picture in three commands', () => {
    const [config, plan] = [path('gaussian.conv.json'), path('plan.json')];
    expect(cipherconv(['init', '--kernel', 'gaussian', '--bits', '2', '-o', config]).code).toBe(0);
    expect(cipherconv(['compile', config, '-o', plan]).code).toBe(0);
    const input = join(ROOT, 'examples', 'picture-28.png');
    const run = cipherconv(['run', plan, '--input', input, '--output', path('out.png')]);
    expect([run.code, run.stdout]).toEqual([0, expect.stringContaining('equal: 784 of 784')]);
    const written = JSON.parse(readFileSync(config, 'utf8')) as { $schema: string };
    expect(readFileSync(join(folder, written.$schema), 'utf8')).toContain('cipherconv filter config');
  });

  it('bits that are too few are refused before anything is written', () => {
    const before = namesIn(folder);
    const few = ['init', '--kernel', 'sharpen', '--size', '3', '--bits', '2', '-o', path('few.conv.json')];
    expect(cipherconv(few)).toMatchObject({ code: 2, stdout: '' });
    expect(namesIn(folder)).toEqual(before);
  });

  it('replaces a config only where --force says so, and no schema of somebody else ever', () => {
    const own = path('own');
    mkdirSync(own);
    const [config, schema] = [join(own, 'x.conv.json'), join(own, 'conv.schema.json')];
    const init = (...more: string[]): ReturnType<typeof cipherconv> =>
      cipherconv(['init', '--kernel', 'box', '-o', config, ...more]);
    writeFileSync(config, 'by hand');
    expect(init()).toMatchObject({ code: 2, stderr: expect.stringContaining('--force') as string });
    expect([readFileSync(config, 'utf8'), namesIn(own)]).toEqual(['by hand', ['x.conv.json']]);
    writeFileSync(schema, '{}');
    const foreign = { code: 2, stderr: expect.stringContaining('into another folder') as string };
    expect(init('--force')).toMatchObject(foreign);
    expect([readFileSync(config, 'utf8'), readFileSync(schema, 'utf8')]).toEqual(['by hand', '{}']);
    rmSync(schema);
    expect(init('--force')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('weights of 1 bit,') as string,
    });
    expect(parseFilterConfig(readFileSync(config, 'utf8')).spec.name).toBe('box');
  });

  it('weights that are many go into a file beside the config', async () => {
    const weights = {
      shape: [20, 3, 3, 3],
      data: Float64Array.from({ length: 540 }, (_, index) => (index % 15) - 7.5),
    };
    writeFileSync(path('w.npy'), encodeNpyFloats(weights));
    const config = path('many.conv.json');
    const { code, stderr } = cipherconv(['init', '--from', path('w.npy'), '--bits', '4', '-o', config]);
    expect([code, stderr]).toEqual([
      0,
      expect.stringMatching(/^quantized to 4 bits: no weight is off by more than 0\.\d+/),
    ]);
    expect(namesIn(folder)).toContain('many.weights.npy');
    expect(await findings(config)).toEqual([]);
  });

  it('a layer of a model', async () => {
    writeFileSync(path('bars.onnx'), exportModel(randomNetwork(BARS, 1)));
    const config = path('layer.conv.json');
    const { code } = cipherconv(['init', '--from', path('bars.onnx'), '-o', config]);
    expect(code).toBe(0);
    const { spec } = parseFilterConfig(readFileSync(config, 'utf8'));
    expect(spec.weights.values).toEqual(Array.from(randomNetwork(BARS, 1).layers[0]!.weights));
    expect(await findings(config)).toEqual([]);
  });

  it('a layer of a TFLite model, whatever the file is called; one that is not encrypted is refused with its reason', async () => {
    writeFileSync(path('m.tflite'), denseTflite());
    copyFileSync(path('m.tflite'), path('m.bin'));
    const config = path('dense.conv.json');
    expect(cipherconv(['init', '--from', path('m.bin'), '--layer', 'logits', '-o', config]).code).toBe(0);
    const { spec } = parseFilterConfig(readFileSync(config, 'utf8'));
    expect([spec.weights.values, spec.bias]).toEqual([
      [1, -2, 3, -4, 50, 60],
      [7, -7],
    ]);
    expect(await findings(config)).toEqual([]);
    const wrong = cipherconv(['init', '--from', path('m.bin'), '--layer', 'logit', '-o', path('n.json')]);
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining('did you mean logits?')]);
  });

  it('refuses: nothing named and nobody there, a size that is not there, a layer that is not there, its own input', () => {
    writeFileSync(
      path('v.npy'),
      encodeNpy(
        makeTensor(
          [3, 3],
          Float64Array.from({ length: 9 }, () => 1),
        ),
      ),
    );
    const before = namesIn(folder);
    const cases = [
      [['-o', path('n.json')], 'add --kernel gaussian|'],
      [['--kernel', 'sobel', '--size', '4', '-o', path('n.json')], 'expected: 3, 5, 7'],
      [
        ['--from', path('bars.onnx'), '--layer', 'convolution_2', '-o', path('n.json')],
        'did you mean convolution_1?',
      ],
      [['--from', path('v.npy'), '-o', path('v.npy')], 'are the same file'],
    ] as const;
    for (const [args, says] of cases) {
      const { code, stderr } = cipherconv(['init', ...args]);
      expect([code, stderr]).toEqual([2, expect.stringContaining(says)]);
    }
    expect(namesIn(folder)).toEqual(before);
  });

  it('the schema that the package ships is the schema', () => {
    const shipped = readFileSync(join(ROOT, 'schema', 'conv.schema.json'), 'utf8');
    expect(shipped).toBe(`${JSON.stringify(configJsonSchema(), null, 2)}\n`);
    const undescribed = Object.entries(
      (JSON.parse(shipped) as { properties: Record<string, { description?: string; properties?: object }> })
        .properties,
    ).flatMap(([name, { description, properties = {} }]) => [
      ...(description === undefined ? [name] : []),
      ...Object.entries(properties as Record<string, { description?: string }>)
        .filter(([, property]) => property.description === undefined)
        .map(([inner]) => `${name}.${inner}`),
    ]);
    expect(undescribed).toEqual([]);
  });
});
