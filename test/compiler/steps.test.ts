import { describe, expect, it } from 'vitest';
import { finish } from '../../compiler/base/steps.ts';
import { compileSpec, compileSteps } from '../../compiler/lowerings/compile.ts';
import { compile, compileAsync, compileModel, compileModelAsync, importOnnx } from '../../src/index.ts';
import { errorOf, simpleSpec } from '../support/simple.ts';
import { square } from '../support/diagonals.ts';
import { residualModel } from '../model/models.ts';

const REASON = new Error('no longer wanted');
const specs = { toeplitz: simpleSpec(), diagonals: square(3, 1) };

/** Aborts when its state has been asked for `looks` times. */
function abortingAt(looks: number): { signal: AbortSignal; seen: () => number } {
  const controller = new AbortController();
  let seen = 0;
  const { signal } = controller;
  const check = signal.throwIfAborted.bind(signal);
  signal.throwIfAborted = () => {
    if (++seen === looks) controller.abort(REASON);
    check();
  };
  return { signal, seen: () => seen };
}

async function rejectionOf(work: Promise<unknown>): Promise<unknown> {
  return await work.then(
    () => null,
    (error: unknown) => error,
  );
}

describe.each(['toeplitz', 'diagonals'] as const)('compiling in steps, %s', (lowering) => {
  const spec = specs[lowering];

  it('gives the same plan at once, in steps, and in turns', async () => {
    const plan = compileSpec(spec, { lowering });
    expect(finish(compileSteps(spec, { lowering }))).toEqual(plan);
    expect(compile(spec, { lowering: lowering as 'toeplitz', signal: new AbortController().signal })).toEqual(
      plan,
    );
    expect(await compileAsync(spec, { lowering })).toEqual(plan);
  });

  it('ends with the reason of the signal at whichever checkpoint it aborts, and takes no step more', () => {
    const whole = abortingAt(Infinity);
    compile(spec, { lowering: lowering as 'toeplitz', signal: whole.signal });
    const checkpoints = whole.seen();
    expect(checkpoints).toBeGreaterThan(15);
    for (let looks = 1; looks <= checkpoints; looks += 7) {
      const aborting = abortingAt(looks);
      expect(
        errorOf(() => compile(spec, { lowering: lowering as 'toeplitz', signal: aborting.signal })),
      ).toBe(REASON);
      expect(aborting.seen()).toBe(looks);
    }
  });
});

describe('compiling in turns', () => {
  const large = simpleSpec({ input: { height: 400, width: 600 } });

  it('lets a timer of the same thread abort it; the synchronous one does not', async () => {
    const controller = new AbortController();
    setImmediate(() => {
      controller.abort(REASON);
    });
    expect(compile(large, { signal: controller.signal }).lowering).toBe('toeplitz');
    expect(await rejectionOf(compileAsync(large, { signal: controller.signal }))).toBe(REASON);
    const own = new AbortController();
    setImmediate(() => {
      own.abort(REASON);
    });
    expect(await rejectionOf(compileAsync(large, { signal: own.signal }))).toBe(REASON);
  });
});

describe('compiling a model in steps', () => {
  it('aborts between its layers and inside them, and gives the same plan in turns', async () => {
    const model = await importOnnx(residualModel());
    const whole = abortingAt(Infinity);
    const plan = compileModel(model, { signal: whole.signal });
    expect(await compileModelAsync(model, { inferences: 1 })).toEqual(plan);
    const begunAt = (looks: number): number => {
      let begun = 0;
      const { signal } = abortingAt(looks);
      expect(errorOf(() => compileModel(model, { signal }, () => begun++))).toBe(REASON);
      return begun;
    };
    expect(begunAt(1)).toBe(0);
    expect(begunAt(2)).toBe(1);
    expect(begunAt(whole.seen())).toBe(3);
    const controller = new AbortController();
    const aborted = compileModelAsync(model, { signal: controller.signal }, (layer) => {
      if (layer > 0) return;
      setImmediate(() => {
        controller.abort(REASON);
      });
      // Longer than a slice, so that the event loop has its turn before the next layer.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
    });
    expect(await rejectionOf(aborted)).toBe(REASON);
  });
});
