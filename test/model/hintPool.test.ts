/** Plans of a model are completed by threads as by one. */
import { describe, expect, it } from 'vitest';
import { planCore } from '../../src/frontend/planFile.ts';
import type { PlanCore } from '../../src/frontend/planFile.ts';
import { complete } from '../../src/hint.ts';
import { completeInThreads } from '../../src/hintPool.ts';
import { compileToeplitz } from '../support/compile.ts';
import { simpleSpec } from '../support/simple.ts';

const cores: PlanCore[] = (['hint', 'standard', 'hint', 'hint'] as const).map((protocol, index) => {
  const spec = simpleSpec({ name: `layer ${index}`, input: { height: 8 + 4 * index, width: 9 } });
  return planCore(compileToeplitz(spec, { protocol }), 'NCHW');
});

describe('completing plans', () => {
  it.each([
    ['by threads', 0],
    ['here, where threads are not worth it', 1e9],
  ])('%s gives what completing each alone gives, in order, and tells how far it is', async (_, least) => {
    const told: string[] = [];
    const onProgress = (done: number, total: number): void => void told.push(`${done}/${total}`);
    const all = await completeInThreads(cores, 2, { onProgress, leastMilliseconds: least });
    expect(told).toEqual(['1/3', '2/3', '3/3']);
    for (const [index, core] of cores.entries()) expect(all[index]).toEqual(await complete(core));
    expect(all.map(({ hint }) => hint === null)).toEqual([false, true, false, false]);
  });

  it.each([0, 1e9])('ends at an abort, with its reason', async (leastMilliseconds) => {
    const reason = new Error('enough');
    const early = { signal: AbortSignal.abort(reason), leastMilliseconds };
    await expect(completeInThreads(cores, 2, early)).rejects.toBe(reason);
    const controller = new AbortController();
    const onProgress = (): void => {
      controller.abort(reason);
    };
    const late = { signal: controller.signal, leastMilliseconds, onProgress };
    await expect(completeInThreads(cores, 2, late)).rejects.toBe(reason);
  });
});
