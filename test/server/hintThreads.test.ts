/** Hints of several plans, computed by threads. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { completePlan, encodePlan, planCore, storedPlan } from '../../src/frontend/planFile.ts';
import type { StoredPlan } from '../../src/frontend/planFile.ts';
import { computeHint } from '../../src/hint.ts';
import { servedHints } from '../../src/server/hintThreads.ts';
import { loadServed, serve } from '../../src/server/models.ts';
import { compileToeplitz } from '../support/compile.ts';
import { simpleSpec } from '../support/simple.ts';

// Only what this thread computes is counted: threads load the module anew.
vi.mock('../../src/hint.ts', { spy: true });

let plans: StoredPlan[];
let lie: StoredPlan;

beforeAll(async () => {
  const cores = [8, 12, 16].map((size) => {
    const spec = simpleSpec({ name: `layer ${size}`, input: { height: size, width: size } });
    return planCore(compileToeplitz(spec, { protocol: 'hint' }), 'NCHW');
  });
  plans = [];
  for (const core of cores) plans.push((await computeHint(core)).plan);
  // As whoever edits a file would: the digest is right again.
  lie = completePlan(cores[1]!, { sha256: '0'.repeat(64), bytes: plans[1]!.hint!.bytes });
});

afterEach(() => {
  vi.mocked(computeHint).mockClear();
});

const calls = (): number => vi.mocked(computeHint).mock.calls.length;

describe('hints by threads', () => {
  it('are the same bytes, each told of once; equal plans have one, and the standard protocol none', async () => {
    const standard = storedPlan(compileToeplitz(simpleSpec(), { protocol: 'standard' }), 'NCHW');
    const all = [...plans, standard, plans[0]!];
    const told: string[] = [];
    const onHint = (stored: StoredPlan, bytes: number): void => void told.push(`${stored.digest} ${bytes}`);
    const alone = await servedHints(all, { threads: 1, onHint });
    expect(calls()).toBe(3);
    const ofOne = told.splice(0);
    const threaded = await servedHints(all, { threads: 2, onHint, leastBytes: 0 });
    expect(calls()).toBe(3);
    expect(threaded.size).toBe(3);
    for (const [digest, hint] of alone) expect(threaded.get(digest)).toEqual(hint);
    expect(told.toSorted()).toEqual(ofOne.toSorted());
  });

  it('are computed here where threads are not worth it', async () => {
    await servedHints(plans, { threads: 2, onHint: () => undefined });
    expect(calls()).toBe(3);
  });

  it('a wrong one gives its error, from a thread as from here, and names convolution and file', async () => {
    const files = new Map([[lie.digest, 'edited.plan']]);
    for (const leastBytes of [0, Infinity]) {
      const work = { threads: 2, onHint: () => undefined, files, leastBytes };
      await expect(servedHints([plans[0]!, lie, plans[2]!], work)).rejects.toMatchObject({
        code: 'plan-rejected',
        details: { where: 'edited.plan: layer 12: hint.sha256', expected: '0'.repeat(64) },
      });
    }
  });
});

describe('serve', () => {
  it('names the file of a plan whose hint is another one than it says', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'cipherconv-'));
    try {
      const files = [plans[0]!, lie].map((stored, index) => {
        const file = join(folder, `${index}.plan.json`);
        writeFileSync(file, encodePlan(stored));
        return file;
      });
      const served = serve(await loadServed(files), { threads: 2, log: () => undefined });
      await expect(served).rejects.toMatchObject({
        code: 'plan-rejected',
        details: { where: `${files[1]}: layer 12: hint.sha256`, found: plans[1]!.hint!.sha256 },
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
