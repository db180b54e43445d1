/** Networks of one round on the command line: many inputs, and options that mean nothing for them. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { residualModel } from '../model/models.ts';
import { networkModel } from '../support/networkModels.ts';
import { cipherconv, namesIn, temporaryFolder } from './spawnCli.ts';

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const [MODEL, PLAN, STACK] = [at('squares.onnx'), at('squares.plan'), at('stack.json')];
const MODE = ['--mode', 'non-interactive'];

function picture(seed: number): number[] {
  return Array.from({ length: 36 }, (_, index) => (index * 37 + seed * 101) % 256);
}

beforeAll(() => {
  writeFileSync(
    MODEL,
    networkModel({
      shape: [1, 6, 6],
      largest: 3,
      convolution: {
        filters: 2,
        kernel: [3, 3],
        strides: [3, 3],
        pads: [0, 0, 0, 0],
        weights: Array.from({ length: 18 }, (_, index) => (index % 5) - 2),
        bias: [1, -1],
      },
      dense: [{ weights: Array.from({ length: 24 }, (_, index) => (index % 7) - 3), bias: [0, 1, 2] }],
    }),
  );
  writeFileSync(
    STACK,
    JSON.stringify({ shape: [3, 1, 6, 6], data: [...picture(0), ...picture(1), ...picture(2)] }),
  );
  mkdirSync(at('pictures'));
  for (const seed of [0, 1, 2])
    writeFileSync(
      join(at('pictures'), `${seed}.json`),
      JSON.stringify({ shape: [1, 1, 6, 6], data: picture(seed) }),
    );
  expect(cipherconv(['compile', MODEL, ...MODE, '-o', PLAN]).code).toBe(0);
});

interface Report {
  readonly match: boolean;
  readonly mismatches: number;
  readonly logits: { readonly values: readonly (number | string)[] };
}

function one(seed: number): readonly (number | string)[] {
  const { stdout } = cipherconv(['run', PLAN, '-i', join(at('pictures'), `${seed}.json`), '--json']);
  return (JSON.parse(stdout) as Report).logits.values;
}

describe('many inputs', () => {
  it('a stack gives what its inputs give one by one, with one set of keys, and one file', () => {
    const { code, stdout } = cipherconv(['run', PLAN, '-i', STACK, '-o', at('scores.json'), '--json']);
    expect(code).toBe(0);
    const { match, inferences, results } = JSON.parse(stdout) as {
      readonly match: boolean;
      readonly inferences: number;
      readonly results: readonly Report[];
    };
    expect({ match, inferences }).toEqual({ match: true, inferences: 3 });
    expect(results.map(({ logits }) => logits.values)).toEqual([0, 1, 2].map(one));
    const scores = JSON.parse(readFileSync(at('scores.json'), 'utf8')) as {
      readonly shape: readonly number[];
      readonly data: readonly number[];
    };
    expect(scores.shape).toEqual([3, 3]);
    expect(scores.data).toEqual(results.flatMap(({ logits }) => logits.values));
  });

  it('a folder gives a file for each of its own, from a model as from its plan', () => {
    const { code, stdout } = cipherconv([
      ...['run', MODEL, ...MODE],
      ...['-i', at('pictures'), '-o', at('results')],
    ]);
    expect(code).toBe(0);
    expect(stdout.trimEnd().split('\n').at(-1)).toBe('equal: all 3 inferences');
    expect(namesIn(at('results'))).toEqual(['0.npy', '1.npy', '2.npy']);
  });
});

describe('what onnxruntime says of a run', () => {
  const INPUT = ['-i', join(at('pictures'), '1.json')];
  const statistic = {
    runtime: 'onnxruntime-web',
    outputs: 3,
    differing: 0,
    largestDifference: 0,
    sameTop1: true,
  };

  it('stands in the report and the text, of a model', () => {
    const { stdout } = cipherconv(['run', MODEL, ...MODE, ...INPUT, '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ match: true, statistic });
    const { code, stdout: text } = cipherconv(['run', MODEL, ...MODE, ...INPUT]);
    expect(code).toBe(0);
    expect(text).toContain('statistic     0 of 3 outputs differ in onnxruntime-web');
  });

  it('stands beside every input of a stack', () => {
    const { stdout } = cipherconv(['run', MODEL, ...MODE, '-i', STACK, '--json']);
    const { results } = JSON.parse(stdout) as { readonly results: readonly object[] };
    expect(results).toMatchObject([{ statistic }, { statistic }, { statistic }]);
  });

  it('is missing, without failure, where there is only a plan', () => {
    const { code, stdout } = cipherconv(['run', PLAN, ...INPUT, '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ match: true, statistic: null });
    expect(cipherconv(['run', PLAN, ...INPUT]).stdout).toContain(
      'statistic     none: the plan holds no model; run MODEL --mode non-interactive has one',
    );
  });
});

describe('options that mean nothing here', () => {
  const options = [
    ...[
      ['--protocol', 'hint'],
      ['--inferences', '5'],
      ['--lowering', 'toeplitz'],
      ['--kernel', 'ntt'],
    ],
    ...[
      ['--upload', 'whole'],
      ['--link', '10'],
      ['--failure', 'never'],
      ['--accumulator-bits', '20'],
    ],
    ...[['--objective', 'total'], ['--encrypt-pools'], ['--allow-clear']],
  ];
  it.each(options)('compile %s is refused by name', (...option) => {
    const { code, stderr, stdout } = cipherconv(['compile', MODEL, ...MODE, ...option]);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(`${option[0] ?? ''} has no effect on a network of one round`);
  });

  it('compile --hint is refused with the reason that networks have', () => {
    const { code, stderr, stdout } = cipherconv(['compile', MODEL, ...MODE, '--hint', at('hint.bin')]);
    expect([code, stdout, namesIn(folder).includes('hint.bin')]).toEqual([2, '', false]);
    expect(stderr).toContain('--hint: a network of one round has no hint');
    expect(stderr).not.toContain('layers');
  });

  it.each([
    [['--judge', 'none'], '--judge'],
    [['--weight-memory', '10'], '--weight-memory'],
    [['--allow-clear'], '--allow-clear'],
  ])('run %s is refused by name, with a model and with a plan', (option, name) => {
    for (const source of [[MODEL, ...MODE], [PLAN]]) {
      const { code, stderr } = cipherconv(['run', ...source, '-i', STACK, ...option]);
      expect(code).toBe(2);
      expect(stderr).toContain(`${name} has no effect on a network of one round`);
    }
  });

  it.each([
    ['a config', 'examples/1-gaussian/gaussian.conv.json', '--mode'],
    ['a plan of a network', PLAN, '--mode'],
  ])('%s takes no --mode', (_, source, name) => {
    const { code, stderr } = cipherconv(['explain', source, ...MODE]);
    expect(code).toBe(2);
    expect(stderr).toContain(name);
  });

  it('pictures of a packing and passes are of single convolutions', () => {
    for (const option of [['--picture', at('packing.svg')], ['--passes']]) {
      const { code, stderr } = cipherconv(['explain', PLAN, ...option]);
      expect(code).toBe(2);
      expect(stderr).toContain(option[0]);
    }
    expect(namesIn(folder)).not.toContain('packing.svg');
  });

  it.each([
    ['a model', [MODEL, ...MODE], 'explain MODEL --mode non-interactive'],
    ['a plan', [PLAN], 'explain PLAN'],
  ] as const)('report of %s says why there is none, and what says the same', (_, source, hint) => {
    const { code, stdout, stderr } = cipherconv(['report', ...source]);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain('reports show the plan of every layer, and its layers have one plan for all');
    expect(stderr).toContain(hint);
    expect(stderr).toContain(source[0]);
  });

  it('a plan of a network in place of a filter config is called what it is', () => {
    const { code, stderr } = cipherconv(['compile', PLAN]);
    expect(code).toBe(2);
    expect(stderr).toContain("this is a network's plan, not a filter config");
    expect(stderr).toContain('explain, run and serve take it');
    expect(stderr).not.toContain('unknown key');
  });

  it('models layer by layer take no option of TFLite where they are ONNX', () => {
    writeFileSync(at('residual.onnx'), residualModel());
    const { code, stderr } = cipherconv(['compile', at('residual.onnx'), '--tflite-rounding', 'single']);
    expect(code).toBe(2);
    expect(stderr).toContain('--tflite-rounding');
  });
});
