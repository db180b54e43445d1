/**
 * Outside TFLite models with every activation recorded: each equal in the interpreter, in both roundings, and every linear
 * layer encrypted and equal. Reads DATA_DIR/tflite.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { importTfliteModel } from '../../src/frontend/tflite/importTfliteModel.ts';
import { compileModel } from '../../src/model/compileModel.ts';
import { graphOf } from '../../src/model/graphOf.ts';
import { layersOf } from '../../src/model/modelFlow.ts';
import { encodeModelPlan, parseModelPlan } from '../../src/model/modelPlanFile.ts';
import { openClearGraph } from '../../src/model/openClearGraph.ts';
import { ModelRunner } from '../../src/model/runModel.ts';
import { toDense } from '../../src/model/typedTensor.ts';
import { digestOf, goldenModels } from '../support/tflite/goldenModels.ts';

const dataFolder = process.env['DATA_DIR'];
if (dataFolder === undefined) throw new Error('set DATA_DIR to the folder that holds tflite');
const models = goldenModels(join(dataFolder, 'tflite'));

/** Cases that run encrypted: of large models one, which takes ten seconds. */
const encryptedCases = (bytes: number): number => (bytes > 300_000 ? 1 : Infinity);

it('the collection is there', () => {
  expect(models.length).toBeGreaterThan(50);
});

describe.each(['double', 'single'] as const)('every activation, %s rounding', (rounding) => {
  it.each(models.map((model) => [model.name, model] as const))('%s', async (_, { path, cases }) => {
    const model = importTfliteModel(readFileSync(path), { rounding });
    const graph = openClearGraph(graphOf(model).whole(), []);
    let compared = 0;
    for (const { inputs, recorded, name } of cases) {
      const given = new Map([...inputs].map(([input, tensor]) => [input, toDense(tensor, input)]));
      const made = await graph.run(given, [...recorded.keys()]);
      for (const [tensor, digests] of recorded) {
        const wanted = digests[rounding];
        if (wanted === null) continue;
        expect(digestOf(made.get(tensor)!), `${name}: ${tensor}`).toBe(wanted);
        compared++;
      }
    }
    expect(compared).toBeGreaterThan(0);
  });
});

describe('encrypted', () => {
  it.each(models.map((model) => [model.name, model] as const))('%s', async (_, { path, cases, outputs }) => {
    const bytes = readFileSync(path);
    const model = importTfliteModel(bytes);
    expect(model.unsupported).toEqual([]);
    const compiled = compileModel(model, { allowClear: true });
    expect(layersOf(compiled)).toHaveLength(model.layers.length);
    const plan = parseModelPlan(encodeModelPlan(compiled), path);
    await using runner = await ModelRunner.open(plan, { keep: true });
    for (const { inputs, recorded, name } of cases.slice(0, encryptedCases(bytes.length))) {
      const result = await runner.run(inputs);
      expect(result.report).toMatchObject({ match: true, statistic: null });
      for (const [tensor, made] of [...result.activations, ...result.outputs]) {
        const wanted = recorded.get(tensor)?.double;
        if (wanted !== undefined) expect(digestOf(toDense(made, tensor)), `${name}: ${tensor}`).toBe(wanted);
      }
      expect([...result.outputs.keys()]).toEqual(outputs);
    }
  });
});
