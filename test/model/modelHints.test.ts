/** Models whose layers have hints: compiled in turns, read back, and blinded while they are compiled. */
import { describe, expect, it } from 'vitest';
import { uploadForm } from '../../compiler/lowerings/plan.ts';
import { importOnnx } from '../../src/frontend/onnx/importOnnx.ts';
import { describeHint } from '../../src/frontend/planDigest.ts';
import { planCore } from '../../src/frontend/planFile.ts';
import { complete, computeHint } from '../../src/hint.ts';
import { compileModel, compileModelAsync } from '../../src/model/compileModel.ts';
import { layersOf } from '../../src/model/modelFlow.ts';
import { blindModelPlan, encodeModelPlan, parseModelPlan } from '../../src/model/modelPlanFile.ts';
import { runModel } from '../../src/model/runModel.ts';
import { residualModel, sampleInput } from './models.ts';

describe('a model with hints', () => {
  it('knows the hint of every layer, and reads back as it was written', async () => {
    const model = await importOnnx(residualModel());
    const seen: number[] = [];
    const plan = await compileModelAsync(model, { protocol: 'hint', onHint: (layer) => seen.push(layer) });
    const text = encodeModelPlan(plan);
    expect(parseModelPlan(text, 'm.json')).toEqual(plan);
    expect(encodeModelPlan(await compileModelAsync(model, { protocol: 'hint' }))).toBe(text);
    for (const { stored } of layersOf(plan)) {
      expect(uploadForm(stored.plan)).toBe('hint');
      const { plan: again } = await computeHint(planCore(stored.plan, stored.layout));
      expect(again).toEqual(stored);
    }
    expect([...new Set(seen)]).toEqual(layersOf(plan).map((_, layer) => layer));
  });

  it('runs with the hints that compiling computed, and a wrong one shows', async () => {
    const hints = new Map<string, Uint8Array>();
    const plan = await compileModelAsync(await importOnnx(residualModel()), {
      protocol: 'hint',
      onHintMade: (digest, hint) => hints.set(digest, hint),
    });
    const stored = layersOf(plan).map((layer) => layer.stored);
    expect(new Set(hints.keys())).toEqual(new Set(stored.map(({ digest }) => digest)));
    stored.forEach(({ hint, digest }) => {
      expect(describeHint(hints.get(digest)!)).toEqual(hint);
    });
    const inputs = new Map([[plan.inputs[0]!.name, sampleInput()]]);
    expect((await runModel(plan, inputs, { hints })).report.match).toBe(true);
    const [digest] = [...hints.keys()];
    hints.set(digest!, new Uint8Array(hints.get(digest!)!.length));
    expect((await runModel(plan, inputs, { hints })).report.match).toBe(false);
  });

  it('is blinded while it is compiled, because its hints follow from its digests', async () => {
    const model = await importOnnx(residualModel());
    const options = { protocol: 'hint', isBlinded: true } as const;
    const [one, two] = [await compileModelAsync(model, options), await compileModelAsync(model, options)];
    layersOf(one).forEach(({ stored }, layer) => {
      const other = layersOf(two)[layer]!.stored;
      expect(stored.blind).not.toBe(other.blind);
      expect(stored.hint!.sha256).not.toBe(other.hint!.sha256);
    });
    expect(() => blindModelPlan(one)).toThrow(expect.objectContaining({ code: 'usage' }));
  });

  it('is given up while its hints are computed, whoever computes them', async () => {
    const model = await importOnnx(residualModel());
    const reason = new Error('no longer wanted');
    const controller = new AbortController();
    const { signal } = controller;
    let given: AbortSignal | undefined;
    const compiling = compileModelAsync(model, {
      protocol: 'hint',
      signal,
      completeAll: (cores, aborting) => {
        given = aborting.signal;
        controller.abort(reason);
        // One that does not look at it.
        return Promise.all(cores.map((core) => complete(core)));
      },
    });
    await expect(compiling).rejects.toBe(reason);
    expect(given).toBe(signal);
  });

  it('is refused at once, where no hint can be computed', async () => {
    const model = await importOnnx(residualModel());
    expect(() => compileModel(model, { protocol: 'hint' })).toThrow(/compileModel computes no hints/);
    expect(() => compileModel(model, { inferences: 2 })).toThrow(/compileModelAsync/);
    expect(compileModel(model, { inferences: 2, protocol: 'standard' }).rounds.length).toBeGreaterThan(0);
  });
});
