import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { compileSpec } from '../../compiler/lowerings/compile.ts';
import type { Tensor } from '../../compiler/base/tensor.ts';
import {
  connect,
  connectModel,
  connectPlan,
  createPlanClient,
  decryptWithOneTimeKey,
} from '../../src/client/index.ts';
import type { ConnectOptions, PlanClient } from '../../src/client/index.ts';
import { openRemoteModel } from '../../src/client/remoteModel.ts';
import { clientPlanOf } from '../../src/frontend/clientPlan.ts';
import { planCore, storedPlan } from '../../src/frontend/planFile.ts';
import { computeHint } from '../../src/hint.ts';
import { importOnnx } from '../../src/frontend/onnx/importOnnx.ts';
import { clientModelOf } from '../../src/model/clientModelOf.ts';
import { compileModel } from '../../src/model/compileModel.ts';
import { residualModel } from '../model/models.ts';
import { smallSpec } from '../runtime/handmadePlan.ts';
import { errorOf } from '../support/simple.ts';
import { connected, serving } from './faultyServer.ts';

/** What callers without types give. */
const NO_TENSORS = [null, undefined, 5, {}, { shape: [1], data: null }] as unknown as Tensor[];

const product = ({ inputShape }: PlanClient): number => inputShape.reduce((all, extent) => all * extent, 1);

const usage = (where: string): object => ({ code: 'usage', details: { where } });

describe('what is no input and no options', () => {
  it('is refused by plans; too many keys at once are too', async () => {
    await serving(
      compileSpec(smallSpec()),
      () => false,
      async (served) => {
        await connected(served, async (remote) => {
          for (const input of NO_TENSORS)
            await expect(remote.infer(input)).rejects.toMatchObject(usage('input'));
          await expect(remote.infer(NO_TENSORS[0]!, null as unknown as object)).rejects.toMatchObject(
            usage('options'),
          );
          for (const count of [1001, 1e9, -1, 0.5])
            expect(() => {
              remote.prepare(count);
            }).toThrow(
              expect.objectContaining({
                code: 'usage',
                message: expect.stringContaining('from 0 to 1000') as string,
              }),
            );
          expect(served.seen).toHaveLength(1);
        });
      },
    );
  });

  it('is refused by models', async () => {
    const model = clientModelOf(compileModel(await importOnnx(residualModel())));
    using remote = openRemoteModel(model, 'http://127.0.0.1:9', { hintCache: null });
    for (const input of NO_TENSORS) await expect(remote.infer(input)).rejects.toMatchObject(usage('input'));
    await expect(remote.inferNamed(null as unknown as Map<string, never>)).rejects.toMatchObject(
      usage('inputs'),
    );
    await expect(remote.prepare(1001)).rejects.toMatchObject(usage('inferences'));
  });

  it('no bytes are refused by clients of plans, before anything of them is used', async () => {
    const core = planCore(compileSpec(smallSpec(), { protocol: 'hint' }), 'NCHW');
    const { plan: stored, hint } = await computeHint(core);
    const plan = clientPlanOf(stored);
    using client = await createPlanClient(plan, { hint });
    const exchange = client.begin({ shape: [...client.inputShape], data: new Float64Array(product(client)) });
    const key = exchange.exportOneTimeKey();
    for (const none of [
      null,
      'x',
      Array.from(hint),
      hint.buffer,
      new Uint16Array(2),
    ] as unknown as Uint8Array[]) {
      await expect(createPlanClient(plan, { hint: none })).rejects.toMatchObject(usage('hint'));
      expect(errorOf(() => exchange.decrypt(none))).toMatchObject(usage('response'));
      await expect(decryptWithOneTimeKey(plan, none, key)).rejects.toMatchObject(usage('oneTimeKey'));
      await expect(decryptWithOneTimeKey(plan, key, none)).rejects.toMatchObject(usage('response'));
      const standard = clientPlanOf(storedPlan(compileSpec(smallSpec()), 'NCHW'));
      await expect(createPlanClient(standard, { secretKey: none })).rejects.toMatchObject(usage('secretKey'));
    }
    // Those of another realm are bytes all the same.
    const foreign = runInNewContext('new Uint8Array(3)') as Uint8Array;
    expect(errorOf(() => exchange.decrypt(foreign))).toMatchObject({ code: 'malformed-message' });
  });

  it('is refused by connect', async () => {
    const options = null as unknown as ConnectOptions;
    for (const open of [connect, connectPlan, connectModel]) {
      await expect(open('http://127.0.0.1:9', null as unknown as string)).rejects.toMatchObject(
        usage('digest'),
      );
      await expect(open('http://127.0.0.1:9', 'a'.repeat(64), options)).rejects.toMatchObject(
        usage('options'),
      );
    }
  });
});
