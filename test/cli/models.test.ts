/** The commands on whole models. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { clearModel, overflowingModel, residualModel, SHAPE } from '../model/models.ts';
import { networkModel } from '../support/networkModels.ts';
import { cipherconv, namesIn, temporaryFolder } from './spawnCli.ts';

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const [MODEL, PLAN, INPUT] = [at('residual.onnx'), at('residual.plan'), at('x.json')];

beforeAll(() => {
  writeFileSync(MODEL, residualModel());
  const data = Array.from({ length: 16 }, (_, index) => (index * 53) % 256);
  writeFileSync(INPUT, JSON.stringify({ shape: SHAPE, data }));
});

const REPORT_KEYS = [
  ...['name', 'match', 'mismatches', 'outputs', 'lowering', 'kernel', 'params', 'accumulator', 'noise', 'ms'],
  ...['bytes', 'counts', 'engine', 'protocol', 'seal'],
].sort();

describe('compile, run and explain', () => {
  it('compile writes one plan for the model, and run of it equals run of the model', () => {
    const compiled = cipherconv(['compile', MODEL, '-o', PLAN]);
    expect(compiled).toMatchObject({ code: 0, stdout: '' });
    expect(compiled.stderr).toContain('3 encrypted layers in 2 rounds');
    expect(compiled.stderr).toContain('the server sees ciphertexts only');
    const fromPlan = cipherconv(['run', PLAN, '--input', INPUT, '-o', at('a.npy')]);
    const fromModel = cipherconv(['run', MODEL, '--input', `x=${INPUT}`, '-o', at('b.npy')]);
    for (const { code, stdout } of [fromPlan, fromModel]) {
      expect(code).toBe(0);
      expect(stdout).toContain('the client computes what is between the layers in the clear');
      expect(stdout.trimEnd().split('\n').at(-1)).toBe(
        'equal: 16 of 16 outputs, compared with the network in integers in the clear',
      );
    }
    expect(readFileSync(at('a.npy'))).toEqual(readFileSync(at('b.npy')));
  });

  it('run --json: match, layers with the fields of run, rounds', () => {
    const { code, stdout, stderr } = cipherconv(['run', MODEL, '--input', INPUT, '--json']);
    expect(code).toBe(0);
    expect(stderr).toContain('the server sees ciphertexts only');
    const report = JSON.parse(stdout) as { match: boolean; rounds: number; layers: object[] };
    expect(report).toMatchObject({
      match: true,
      rounds: 2,
      comparison: { outputs: 16, mismatches: 0 },
      clear: [],
      statistic: { runtime: 'onnxruntime-web', outputs: 16, sameTop1: true },
    });
    expect(report.layers).toHaveLength(3);
    for (const layer of report.layers) expect(Object.keys(layer).sort()).toEqual(REPORT_KEYS);
  });

  it('the options of compile apply to every layer', () => {
    const options = ['--kernel', 'ntt', '--degree', '4096', '--security', '192'];
    const { stdout } = cipherconv(['compile', MODEL, '--json', ...options]);
    const { layers } = JSON.parse(stdout) as { layers: object[] };
    expect(layers).toHaveLength(3);
    for (const layer of layers) {
      expect(layer).toMatchObject({ kernel: 'ntt', securityBits: 192, params: { degree: 4096 } });
    }
  });

  it('explain tells of the model and of each layer', () => {
    const { code, stdout } = cipherconv(['explain', MODEL]);
    expect(code).toBe(0);
    expect(stdout).toContain('2 rounds');
    expect(stdout.match(/^Accumulator$/gm)).toHaveLength(3);
    expect(stdout).toContain('by the client');
  });

  it('writes pictures', () => {
    const { code, stderr } = cipherconv(['run', MODEL, '--input', INPUT, '-o', at('y.png')]);
    expect(code).toBe(0);
    expect(stderr).toContain('y.png: 4 x 4, grey, [0, 255] as 0..255');
  });
});

describe('refusals: one clear error, nothing written', () => {
  const refusal = (args: readonly string[], code: number, ...parts: string[]): void => {
    const before = namesIn(folder);
    const ended = cipherconv(['-q', ...args]);
    expect(ended).toMatchObject({ code, stdout: '' });
    expect(ended.stderr).toMatch(/^error: /);
    for (const part of parts) expect(ended.stderr).toContain(part);
    expect(namesIn(folder)).toEqual(before);
  };

  it('a sum that overflows its declared accumulator: exit 1', () => {
    writeFileSync(at('wide.onnx'), overflowingModel());
    refusal(['compile', at('wide.onnx'), '-o', at('wide.plan')], 1, '32 signed bits', 'MatMulInteger');
  });

  it('inputs of another shape or value, unknown names, and flags for models on plans', () => {
    writeFileSync(at('small.json'), JSON.stringify({ shape: [1, 1, 2, 2], data: [1, 2, 3, 4] }));
    writeFileSync(at('large.json'), JSON.stringify({ shape: SHAPE, data: new Array(16).fill(256) }));
    refusal(['run', MODEL, '-i', at('small.json')], 2, 'another shape', '[1, 1, 4, 4]');
    refusal(['run', MODEL, '-i', at('large.json')], 2, 'a value that uint8 does not hold', '256');
    refusal(['run', MODEL, '-i', INPUT, '-i', INPUT], 2, 'given twice');
    refusal(['run', PLAN, '-i', INPUT, '--degree', '4096'], 2, '--degree has no effect on a plan');
    refusal(['run', PLAN, '-i', INPUT, '--bind', 'w=w.pb'], 2, '--bind has no effect here');
  });

  it('one side of a model alone, where both are wanted', () => {
    const [server, client] = [at('side.plan'), at('side.client')];
    cipherconv(['-q', 'compile', MODEL, '-o', server, '--client-plan', client]);
    refusal(
      ['run', client, '-i', INPUT],
      2,
      'one side of a model alone does not run',
      "the client's",
      'infer',
    );
    renameSync(client, at('elsewhere.client'));
    refusal(['run', server, '-i', INPUT], 2, 'one side of a model alone does not run', "the server's");
    writeFileSync(client, readFileSync(PLAN));
    refusal(['run', server, '-i', INPUT], 2, "this is a model's plan, not the client plan of a model");
  });

  it('a plan of a model where that of one convolution is wanted', () => {
    const args = ['evaluate', '--plan', PLAN, '--input', INPUT, '--output', at('down.bin')];
    refusal(args, 2, 'not supported yet: a model in single steps through files', 'infer');
  });

  it('a plan of a model that was edited', () => {
    writeFileSync(at('edited.plan'), readFileSync(PLAN, 'utf8').replace('"name":"Conv', '"name":"Konv'));
    refusal(['run', at('edited.plan'), '-i', INPUT], 2, 'its digest is wrong');
  });

  it('a model in which nothing can be encrypted: exit 2 without --allow-clear', () => {
    const [model, input] = [at('clear.onnx'), at('clear.json')];
    writeFileSync(model, clearModel());
    writeFileSync(input, JSON.stringify({ shape: SHAPE, data: new Array<number>(16).fill(7) }));
    const output = at('clear.npy');
    for (const args of [
      ['compile', model, '-o', at('clear.plan')],
      ['run', model, '-i', input, '-o', output],
    ]) {
      const refused = cipherconv(args);
      expect(refused).toMatchObject({ code: 2, stdout: '' });
      expect(refused.stderr).toContain('nothing of this model can be encrypted');
      expect(refused.stderr).toContain('--allow-clear');
    }
    expect(namesIn(folder)).not.toContain('clear.plan');
    const allowed = cipherconv(['run', model, '-i', input, '-o', output, '--allow-clear', '--json']);
    expect(allowed.code).toBe(0);
    expect(allowed.stderr).toContain('nothing is encrypted');
    expect(allowed.stderr).not.toContain('the server sees ciphertexts');
    expect(JSON.parse(allowed.stdout)).toMatchObject({ match: true, layers: [], macs: { encrypted: 0 } });
    const plan = at('clear.plan');
    expect(cipherconv(['compile', model, '-o', plan, '--allow-clear']).code).toBe(0);
    expect(cipherconv(['run', plan, '-i', input]).stderr).toContain('nothing of this plan is encrypted');
    expect(cipherconv(['explain', plan]).stdout).toContain('nothing is encrypted');
  });

  it('without onnxruntime-web a run decides all the same, and says that there is no statistic', () => {
    const hook = `import { registerHooks } from 'node:module';
      registerHooks({ resolve(name, context, next) {
        if (!name.startsWith('onnxruntime-web')) return next(name, context);
        throw Object.assign(new Error('Cannot find package'), { code: 'ERR_MODULE_NOT_FOUND' });
      } });`;
    const nodeOptions = ['--import', `data:text/javascript,${encodeURIComponent(hook)}`];
    const ended = cipherconv(['run', MODEL, '-i', INPUT, '--json'], { nodeOptions });
    expect(ended.code).toBe(0);
    expect(JSON.parse(ended.stdout)).toMatchObject({ match: true, statistic: null });
    expect(ended.stderr).toContain('no statistic of onnxruntime-web: onnxruntime-web is not installed');
  });
});

describe('--mode non-interactive', () => {
  const [NETWORK, SCORES, PICTURE] = [at('network.onnx'), at('network.plan'), at('picture.json')];
  const shape = [1, 1, 4, 4];
  const network = (activation: 'Mul' | 'Relu'): Uint8Array =>
    networkModel({
      shape: [1, 4, 4],
      largest: 3,
      activation,
      convolution: {
        filters: 2,
        kernel: [2, 2],
        strides: [2, 2],
        pads: [0, 0, 0, 0],
        weights: [1, -1, 2, 0, 1, 1, -2, 1],
        bias: [1, -3],
      },
      dense: [{ weights: Array.from({ length: 24 }, (_, index) => (index % 5) - 2), bias: [5, 0, -7] }],
    });

  it('a network of squares: compiled, explained, run from model and plan, all logits equal', () => {
    writeFileSync(NETWORK, network('Mul'));
    writeFileSync(PICTURE, JSON.stringify({ shape, data: Array.from({ length: 16 }, (_, at_) => at_ * 16) }));
    const mode = ['--mode', 'non-interactive'];
    expect(cipherconv(['compile', NETWORK, ...mode, '-o', SCORES])).toMatchObject({ code: 0, stdout: '' });
    const explained = cipherconv(['explain', SCORES]);
    expect(explained.stdout).toContain('t = 65537');
    expect(explained.stdout).toContain('no activation is shown to anyone');
    const fromPlan = cipherconv(['run', SCORES, '-i', PICTURE, '--json', '-o', at('scores.json')]);
    expect(fromPlan.code).toBe(0);
    expect(JSON.parse(fromPlan.stdout)).toMatchObject({
      match: true,
      mismatches: 0,
      outputs: 3,
      mode: 'non-interactive',
      engine: 'seal',
      params: { degree: 8192, plainModuli: [65537] },
    });
    const { logits } = JSON.parse(fromPlan.stdout) as { logits: { values: number[] } };
    expect(JSON.parse(readFileSync(at('scores.json'), 'utf8'))).toEqual({
      shape: [1, 3],
      data: logits.values,
    });
    expect(cipherconv(['run', SCORES, '-i', PICTURE, '--kernel', 'ntt'])).toMatchObject({ code: 2 });
    expect(cipherconv(['compile', NETWORK, ...mode, '--lowering', 'toeplitz'])).toMatchObject({ code: 2 });
  });

  it('an ordinary activation is refused with the two ways on', () => {
    writeFileSync(NETWORK, network('Relu'));
    const { code, stderr } = cipherconv(['compile', NETWORK, '--mode', 'non-interactive']);
    expect(code).toBe(2);
    expect(stderr).toContain('--mode hybrid');
    expect(stderr).toContain('cipherconv fit');
  });
});
