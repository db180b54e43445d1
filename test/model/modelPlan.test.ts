import { kernelOf } from '../../compiler/lowerings/plan.ts';
import { describe, expect, it } from 'vitest';
import { importOnnx } from '../../src/frontend/onnx/importOnnx.ts';
import { compileModel } from '../../src/model/compileModel.ts';
import { layersOf } from '../../src/model/modelFlow.ts';
import type { ModelPlan } from '../../src/model/modelPlan.ts';
import {
  blindModelPlan,
  encodeModelPlan,
  modelPlanDigest,
  parseModelPlan,
} from '../../src/model/modelPlanFile.ts';
import { ModelRunner } from '../../src/model/runModel.ts';
import { overflowingModel, residualModel, sampleInput } from './models.ts';

const compiled = async (): Promise<ModelPlan> => compileModel(await importOnnx(residualModel()));

describe('compiling a model', () => {
  it('puts layers that do not wait for each other into one round', async () => {
    const plan = await compiled();
    expect(plan.rounds.map(({ length }) => length)).toEqual([2, 1]);
    expect(layersOf(plan).map(({ output }) => output.kind)).toEqual([
      'requantized',
      'requantized',
      'requantized',
    ]);
  });

  it('gives every layer the options', async () => {
    const plan = compileModel(await importOnnx(residualModel()), { degree: 4096, kernel: 'ntt' });
    for (const { stored } of layersOf(plan)) {
      expect(stored.plan.parameters.degree).toBe(4096);
      expect(kernelOf(stored.plan)).toBe('ntt');
    }
  });

  it('refuses sums that pass what the operator declares, and names the layer', async () => {
    const model = await importOnnx(overflowingModel());
    expect(() => compileModel(model)).toThrow(expect.objectContaining({ code: 'overflow' }));
    expect(() => compileModel(model)).toThrow(/MatMulInteger/);
  });
});

describe('the plan file of a model', () => {
  it('has the same bytes for the same model', async () => {
    expect(encodeModelPlan(await compiled())).toBe(encodeModelPlan(await compiled()));
  });

  it('is read back as it was written', async () => {
    const text = encodeModelPlan(await compiled());
    expect(encodeModelPlan(parseModelPlan(text, 'model.plan'))).toBe(text);
  });

  it('blinded: the same layers under other digests, each time', async () => {
    const plan = await compiled();
    const [one, two] = [blindModelPlan(plan), blindModelPlan(plan)];
    const digests = [plan, one, two].flatMap((each) => [
      modelPlanDigest(each),
      ...layersOf(each).map(({ stored }) => stored.digest),
    ]);
    expect(new Set(digests).size).toBe(digests.length);
    const text = encodeModelPlan(one);
    const read = parseModelPlan(text, 'model.plan');
    expect(encodeModelPlan(read)).toBe(text);
    expect(layersOf(read).map(({ stored }) => stored.plan)).toEqual(
      layersOf(plan).map(({ stored }) => stored.plan),
    );
  });

  it('of an older version is refused, with what to do', async () => {
    const text = encodeModelPlan(await compiled()).replace(/"version": \d+/, '"version": 1');
    expect(() => parseModelPlan(text, 'p')).toThrow(/an older cipherconv/);
    expect(() => parseModelPlan(text, 'p')).toThrow(/compile the model again with this version/);
  });

  const rejected: [name: string, edit: (plan: ModelPlan) => ModelPlan, message: RegExp][] = [
    [
      'a tensor that nothing makes',
      (plan) => ({ ...plan, segments: plan.segments.map(() => null) }),
      /is not known there/,
    ],
    [
      'a round too many',
      (plan) => ({ ...plan, rounds: [...plan.rounds, []] }),
      /one segment more than rounds/,
    ],
    [
      'a tensor made twice',
      (plan) => ({
        ...plan,
        rounds: plan.rounds.map((round, index) => (index === 0 ? [...round, ...round] : round)),
      }),
      /is made twice/,
    ],
    [
      'a layer of another shape',
      (plan) => ({
        ...plan,
        rounds: plan.rounds.map((round) =>
          round.map((layer) => ({ ...layer, input: { ...layer.input, shape: [1, 1, 2, 2] } })),
        ),
      }),
      /another number of elements/,
    ],
    [
      'a segment that is no model',
      (plan) => ({
        ...plan,
        segments: plan.segments.map((part) =>
          part === null ? null : { ...part, model: { format: 'onnx', bytes: Uint8Array.of(255) } },
        ),
      }),
      /not an ONNX model/,
    ],
    [
      'a wrong permutation',
      (plan) => ({
        ...plan,
        rounds: plan.rounds.map((round) =>
          round.map((layer) => ({ ...layer, input: { ...layer.input, permutation: [0, 0, 2, 3] } })),
        ),
      }),
      /permutation/,
    ],
  ];
  it.each(rejected)('refuses %s, digest and all', async (_, edit, message) => {
    const text = encodeModelPlan(edit(await compiled()));
    expect(() => parseModelPlan(text, 'model.plan')).toThrow(message);
    expect(() => parseModelPlan(text, 'model.plan')).toThrow(
      expect.objectContaining({ code: 'malformed-plan' }),
    );
  });

  it('refuses another digit, an unknown key, and a layer that computes something else', async () => {
    const text = encodeModelPlan(await compiled());
    expect(() => parseModelPlan(text.replace('"outputZeroPoint":0', '"outputZeroPoint":1'), 'p')).toThrow(
      /digest is wrong/,
    );
    expect(() => parseModelPlan(text.replace('{', '{"more":1,'), 'p')).toThrow(/more/);
    const plan = await compiled();
    const [layer] = layersOf(plan);
    const forged = { ...layer!, stored: { ...layer!.stored, digest: '0'.repeat(64) } };
    const edited = encodeModelPlan({ ...plan, rounds: [[forged, plan.rounds[0]![1]!], plan.rounds[1]!] });
    expect(() => parseModelPlan(edited, 'p')).toThrow(/digest is wrong/);
  });
});

describe('running a model', () => {
  it('keeps keys and weights for the next input when asked', async () => {
    const runner = await ModelRunner.open(await compiled(), { keep: true });
    const inputs = new Map([['x', sampleInput()]]);
    const first = await runner.run(inputs);
    const second = await runner.run(inputs);
    await runner.dispose();
    expect(first.report.match && second.report.match).toBe(true);
    expect(second.report.layers.map(({ ms }) => ms.keygen)).toEqual(
      first.report.layers.map(({ ms }) => ms.keygen),
    );
    expect([...second.outputs.values()]).toEqual([...first.outputs.values()]);
  });

  it('refuses inputs that the model does not declare', async () => {
    const runner = await ModelRunner.open(await compiled());
    await expect(runner.run(new Map())).rejects.toMatchObject({ code: 'shape-mismatch' });
    const other = new Map([['x', { ...sampleInput(), shape: [1, 1, 2, 8] }]]);
    await expect(runner.run(other)).rejects.toMatchObject({ code: 'shape-mismatch' });
  });
});
