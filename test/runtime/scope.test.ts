import { afterEach, describe, expect, it } from 'vitest';
import { createClient } from '../../runtime/client/client.ts';
import { createEvaluator } from '../../runtime/evaluator/evaluator.ts';
import { guardSeal } from '../../runtime/seal/failure.ts';
import { loadSeal } from '../../runtime/seal/module.ts';
import { buildWithScope, liveSealObjects, SealScope, withScope } from '../../runtime/seal/scope.ts';
import { randomInput } from '../support/specs.ts';
import { handmadePlan, smallSpec } from './handmadePlan.ts';
import { clientView } from '../../compiler/lowerings/views.ts';
import type { ConvSpec } from '../../compiler/convolution/spec.ts';
import type { ToeplitzPlan } from '../../compiler/toeplitz/plan.ts';

afterEach(() => {
  expect(liveSealObjects()).toBe(0);
});

/** A stand-in for an embind handle that records its deletion. */
function handle(name: string, log: string[]): { delete: () => void } {
  return { delete: () => void log.push(name) };
}

describe('SealScope', () => {
  it('deletes everything once, last made first', () => {
    const log: string[] = [];
    const scope = new SealScope();
    scope.own(handle('a', log));
    scope.own(handle('b', log));
    expect(liveSealObjects()).toBe(2);
    scope.dispose();
    scope.dispose();
    scope[Symbol.dispose]();
    expect(log).toEqual(['b', 'a']);
  });

  it('takes nothing over once it is disposed', () => {
    const log: string[] = [];
    const scope = new SealScope();
    scope.dispose();
    expect(() => scope.own(handle('late', log))).toThrow('already disposed');
    expect(log).toEqual(['late']);
    expect(() => {
      scope.assertOpen('client');
    }).toThrow('used after dispose');
  });

  it('is disposed after success and after a throw', () => {
    const log: string[] = [];
    expect(withScope((scope) => (scope.own(handle('good', log)), 7))).toBe(7);
    expect(() =>
      withScope((scope) => {
        scope.own(handle('bad', log));
        throw new Error('broken');
      }),
    ).toThrow('broken');
    expect(log).toEqual(['good', 'bad']);
  });

  it('is kept by what was built, unless building throws', () => {
    const log: string[] = [];
    const kept = buildWithScope((scope) => (scope.own(handle('kept', log)), scope));
    expect(log).toEqual([]);
    kept.dispose();
    expect(() =>
      buildWithScope((scope) => {
        scope.own(handle('broken', log));
        throw new Error('broken');
      }),
    ).toThrow('broken');
    expect(log).toEqual(['kept', 'broken']);
  });
});

/** A plan of the ntt kernel whose uploads SEAL seeds: client and evaluator are SEAL's. */
function underSeal(spec: ConvSpec): ToeplitzPlan {
  const plan = handmadePlan(spec);
  return { ...plan, execution: { kernel: 'ntt', upload: 'seal-seeded' } };
}

describe('what lives on the WASM heap', () => {
  it('is constant while client and evaluator work, and nothing after dispose', async () => {
    const plan = underSeal(smallSpec({ channels: 2, outChannels: 2 }));
    const client = await createClient(clientView(plan));
    const evaluator = await createEvaluator(plan);
    const live = liveSealObjects();
    expect(live).toBeGreaterThan(0);
    for (let seed = 0; seed < 3; seed++) {
      const results = evaluator.evaluate(client.encrypt(randomInput(plan.spec, seed)));
      client.decrypt(results);
      client.measuredBudgetBits(results);
      expect(liveSealObjects()).toBe(live);
    }
    client.dispose();
    client.dispose();
    evaluator.dispose();
  });

  it('is nothing after a client or an evaluator could not be made', async () => {
    const plan = underSeal(smallSpec());
    const broken = { ...plan, parameters: { ...plan.parameters, dataPrimes: ['67104767'] } };
    await expect(createClient(clientView(broken))).rejects.toMatchObject({ code: 'plan-rejected' });
    await expect(createEvaluator(broken)).rejects.toMatchObject({ code: 'plan-rejected' });
    const transfer = { ...plan.transfer, usedChunks: [] };
    await expect(createEvaluator({ ...plan, transfer })).rejects.toMatchObject({ code: 'plan-rejected' });
  });
});

describe('guardSeal', () => {
  it("turns SEAL's exceptions into internal errors with SEAL's text", async () => {
    const seal = await loadSeal();
    const refuse = (): void => {
      withScope((scope) => {
        scope.own(new seal.Modulus(1n));
      });
    };
    expect(() => {
      guardSeal('make a modulus of 1', refuse);
    }).toThrow(
      expect.objectContaining({
        code: 'internal',
        message: expect.stringContaining('make a modulus of 1'),
        details: expect.objectContaining({ found: expect.stringContaining('invalid_argument') }),
      }),
    );
  });

  it('lets results and other errors pass', () => {
    expect(guardSeal('add', () => 3)).toBe(3);
    expect(() =>
      guardSeal('fail', () => {
        throw new TypeError('our own');
      }),
    ).toThrow(TypeError);
  });
});
