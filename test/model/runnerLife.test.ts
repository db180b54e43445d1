import { describe, expect, it } from 'vitest';
import { liveSealObjects } from '../../runtime/seal/scope.ts';
import { importOnnx } from '../../src/frontend/onnx/importOnnx.ts';
import { compileModel } from '../../src/model/compileModel.ts';
import { ModelRunner, runModel } from '../../src/model/runModel.ts';
import { residualModel, sampleInput } from './models.ts';

const REASON = new Error('no longer wanted');
const plan = compileModel(await importOnnx(residualModel()));
const inputs = new Map([[plan.inputs[0]!.name, sampleInput()]]);
const refusal = { code: 'usage', message: expect.stringContaining('after dispose') as string };

async function rejectionOf(work: Promise<unknown>): Promise<unknown> {
  return await work.then(
    () => null,
    (error: unknown) => error,
  );
}

describe('the life of a ModelRunner', () => {
  it('ends with `using`; it refuses to run after that, and disposing twice is nothing', async () => {
    let kept: ModelRunner;
    {
      await using runner = await ModelRunner.open(plan, { keep: true });
      kept = runner;
      expect((await runner.run(inputs)).report.match).toBe(true);
    }
    expect(liveSealObjects()).toBe(0);
    expect(await rejectionOf(kept.run(inputs))).toMatchObject(refusal);
    await kept.dispose();
  });

  it('a signal ends a run before it begins and in the middle of a layer; the runner goes on afterwards', async () => {
    const controller = new AbortController();
    let armed = true;
    const steps: string[] = [];
    await using runner = await ModelRunner.open(plan, {
      onProgress: (step) => {
        steps.push(step);
        if (armed && step.includes('encrypt')) controller.abort(REASON);
      },
    });
    const before = await rejectionOf(runner.run(inputs, { signal: AbortSignal.abort(REASON) }));
    expect(before).toBe(REASON);
    expect(steps).toEqual([]);
    expect(await rejectionOf(runner.run(inputs, { signal: controller.signal }))).toBe(REASON);
    expect(steps.some((step) => step.includes('encrypt'))).toBe(true);
    expect(steps.some((step) => step.includes('decrypt'))).toBe(false);
    expect(liveSealObjects()).toBe(0);
    armed = false;
    expect((await runner.run(inputs)).report.match).toBe(true);
  });

  it('runModel ends with the reason too, and leaves nothing behind', async () => {
    const controller = new AbortController();
    const work = runModel(plan, inputs, {
      signal: controller.signal,
      onProgress: (step) => {
        if (step.includes('evaluate')) controller.abort(REASON);
      },
    });
    expect(await rejectionOf(work)).toBe(REASON);
    expect(liveSealObjects()).toBe(0);
  });
});
