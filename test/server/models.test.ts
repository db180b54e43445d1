/** A whole model served over HTTP, and its client. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Tensor } from '../../compiler/base/tensor.ts';
import { connect, connectModel } from '../../src/client/index.ts';
import type { HintCache, ModelStep } from '../../src/client/index.ts';
import { importOnnx } from '../../src/frontend/onnx/importOnnx.ts';
import { encodeClientModel } from '../../src/model/clientModelFile.ts';
import { clientModelOf } from '../../src/model/clientModelOf.ts';
import { compileModel, compileModelAsync } from '../../src/model/compileModel.ts';
import type { ModelPlan } from '../../src/model/modelPlan.ts';
import { ModelRunner } from '../../src/model/runModel.ts';
import { layersOf } from '../../src/model/modelFlow.ts';
import { encodeModelPlan } from '../../src/model/modelPlanFile.ts';
import { serverModelOf } from '../../src/model/serverModel.ts';
import { toDoubles } from '../../src/model/typedTensor.ts';
import type { TypedTensor } from '../../src/model/typedTensor.ts';
import type { LogEvent } from '../../src/server/log.ts';
import { startService } from '../../src/server/service.ts';
import type { Service } from '../../src/server/service.ts';
import { defaultSettings } from '../../src/server/settings.ts';
import { residualModel, sampleInput } from '../model/models.ts';
import { OCTETS, sendTo } from '../support/served.ts';

let plan: ModelPlan;
let service: Service;
let digest: string;
let expected: TypedTensor;

const input = (): Tensor => {
  const sample = sampleInput();
  return { shape: sample.shape, data: toDoubles(sample, 'x') };
};

beforeAll(async () => {
  plan = compileModel(await importOnnx(residualModel()));
  const client = clientModelOf(plan);
  digest = client.digest;
  const toServe = { server: serverModelOf(plan, null), clientText: encodeClientModel(client) };
  const settings = { ...defaultSettings(), port: 0, workers: 1 };
  service = await startService([], settings, () => undefined, [toServe]);
  await using runner = await ModelRunner.open(plan);
  const run = await runner.run(new Map([['x', sampleInput()]]));
  expected = run.outputs.get(plan.outputs[0]!.name)!;
});

afterAll(async () => {
  await service.stop();
});

const get = (path: string): ReturnType<typeof sendTo> => sendTo(`${service.url}${path}`, 'GET');
const post = (path: string, body: Uint8Array): ReturnType<typeof sendTo> =>
  sendTo(`${service.url}${path}`, 'POST', { body, headers: OCTETS });

describe('a model over HTTP', () => {
  it('is listed apart from plans, and its client plan is handed out as it is', async () => {
    expect((await get('/v1/plans')).json).toEqual({ plans: [] });
    expect((await get('/v1/models')).json).toEqual({
      models: [{ digest, name: 'residual', layers: 3, clientPlan: true }],
    });
    const text = Buffer.from((await get(`/v1/models/${digest}`)).body).toString();
    expect(text).toBe(encodeClientModel(clientModelOf(plan)));
  });

  it('hands out no weight and no part of the server plan', async () => {
    for (const path of ['/v1/models', `/v1/models/${digest}`, '/openapi.json']) {
      const text = Buffer.from((await get(path)).body).toString();
      expect(text).not.toContain('"values"');
      expect(text).not.toContain('"blind"');
    }
  });

  it('gives what run gives, whole, by name and in a row; each layer of a round is told of', async () => {
    using remote = await connectModel(service.url, digest);
    const steps: ModelStep[] = [];
    const progress: number[] = [];
    const budgets = new Map<number, number | null>();
    const output = await remote.infer(input(), {
      onNoiseBudget: (index, bits) => budgets.set(index, bits),
      onStep: (step) => steps.push(step),
      onProgress: (done) => progress.push(done),
    });
    expect([...output.data]).toEqual(toDoublesOf(expected));
    expect(progress).toEqual([0, 1, 2]);
    expect([...budgets.keys()].sort()).toEqual([0, 1, 2]);
    for (const [index, { stored }] of layersOf(plan).entries())
      expect(budgets.get(index)).toBeGreaterThanOrEqual(Math.floor(stored.plan.noise.predictedBudgetBits));
    expect(
      steps.filter(({ kind }) => kind === 'received').map((step) => 'round' in step && step.round),
    ).toEqual([0, 0, 1]);
    const named = await remote.inferNamed(new Map([['x', sampleInput()]]));
    expect(named.get(plan.outputs[0]!.name)).toEqual(expected);
    const many: number[][] = [];
    for await (const each of remote.inferMany([input(), input(), input()])) many.push([...each.data]);
    expect(many).toEqual([1, 2, 3].map(() => toDoublesOf(expected)));
  });

  it('is what connect finds under its digest', async () => {
    using remote = await connect(service.url, digest);
    expect(remote.kind).toBe('model');
    expect([...(await remote.infer(input())).data]).toEqual(toDoublesOf(expected));
  });

  it('an input that it does not take is refused before anything is sent', async () => {
    using remote = await connectModel(service.url, digest);
    const wrong = { shape: [1, 1, 4, 4], data: new Float64Array(16).fill(256) };
    await expect(remote.infer(wrong)).rejects.toMatchObject({ code: 'out-of-range' });
    await expect(remote.inferNamed(new Map())).rejects.toMatchObject({ code: 'shape-mismatch' });
    const aborted = AbortSignal.abort(new Error('enough'));
    await expect(remote.infer(input(), { signal: aborted })).rejects.toThrow('enough');
  });
});

describe('requests that name no layer', () => {
  const cases: [path: string, problem: string][] = [
    [`/v1/models/${'0'.repeat(64)}/layers/0/evaluate`, 'unknown-model'],
    ['/v1/models/x/layers/0/evaluate', 'unknown-model'],
    ['DIGEST/layers/3/evaluate', 'unknown-layer'],
    ['DIGEST/layers/-1/evaluate', 'unknown-layer'],
    ['DIGEST/layers/00/evaluate', 'unknown-layer'],
    ['DIGEST/layers/1e0/evaluate', 'unknown-layer'],
    ['DIGEST/layers/9999999999/evaluate', 'unknown-layer'],
  ];
  it.each(cases)('%s: %s', async (path, problem) => {
    const answer = await post(path.replace('DIGEST', `/v1/models/${digest}`), new Uint8Array(8));
    expect(answer.status).toBe(404);
    expect(answer.json?.['type']).toMatch(new RegExp(`:${problem}$`));
  });

  it('an upload of another layer is refused, by its digest or its length', async () => {
    const [first, second] = clientModelOf(plan).rounds[0]!;
    const length = service.models.get(digest)!.layers[0]!.uploadBytes;
    expect(first!.client.digest).not.toBe(second!.client.digest);
    const answer = await post(`/v1/models/${digest}/layers/0/evaluate`, new Uint8Array(length));
    expect(answer).toMatchObject({ status: 400 });
    expect(answer.json?.['field']).toBe('magic');
  });
});

describe('a model whose layers have hints', () => {
  const logged: LogEvent[] = [];
  let hinted: ModelPlan;
  let server: Service;

  beforeAll(async () => {
    hinted = await compileModelAsync(await importOnnx(residualModel()), { protocol: 'hint' });
    const client = clientModelOf(hinted);
    const toServe = { server: serverModelOf(hinted, null), clientText: encodeClientModel(client) };
    const settings = { ...defaultSettings(), port: 0, workers: 1 };
    server = await startService([], settings, (_, event) => logged.push(event), [toServe]);
  });

  afterAll(async () => {
    await server.stop();
  });

  const hintRequests = (asked: readonly string[]): string[] =>
    asked.filter((url) => url.includes('/hints/')).map((url) => url.slice(url.lastIndexOf('/') + 1));

  it('has its hints before it listens; clients fetch each once, and keep it', async () => {
    const ofHints = logged.filter(({ event }) => event === 'hint');
    const names = layersOf(hinted).map(({ stored }) => stored.plan.spec.name);
    expect(ofHints).toMatchObject(names.map((name, index) => ({ name, done: index + 1, total: 3 })));
    const kept = new Map<string, Uint8Array>();
    const hintCache: HintCache = {
      read: ({ sha256 }) => Promise.resolve(kept.get(sha256) ?? null),
      write: ({ sha256 }, payload) => Promise.resolve(void kept.set(sha256, payload)),
    };
    const asked: string[] = [];
    const counted: typeof fetch = (to, init) => {
      asked.push(to instanceof Request ? to.url : String(to));
      return fetch(to, init);
    };
    const options = { hintCache, fetch: counted };
    const { digest: name } = clientModelOf(hinted);
    {
      using remote = await connectModel(server.url, name, options);
      await remote.prepare(2);
      expect(hintRequests(asked)).toEqual(['0', '1', '2']);
      for (let time = 0; time < 3; time++)
        expect([...(await remote.infer(input())).data]).toEqual(toDoublesOf(expected));
    }
    expect(kept.size).toBe(3);
    using again = await connectModel(server.url, name, options);
    expect([...(await again.infer(input())).data]).toEqual(toDoublesOf(expected));
    expect(hintRequests(asked)).toHaveLength(3);
  });

  it('is prepared no more after it was disposed of', async () => {
    const remote = await connectModel(server.url, clientModelOf(hinted).digest, { hintCache: null });
    remote.dispose();
    await expect(remote.prepare(1)).rejects.toMatchObject({ code: 'usage' });
  });

  it('runs with both sides in one process, and SEAL reads the same', async () => {
    await using runner = await ModelRunner.open(hinted, { judge: 'full' });
    const { report, outputs } = await runner.run(new Map([['x', sampleInput()]]));
    expect(report.match).toBe(true);
    expect(report.layers.map(({ seal }) => seal)).toEqual(
      Array.from({ length: 3 }, () => ({ decryptsEqual: true, wordsEqual: true })),
    );
    expect(outputs.get(hinted.outputs[0]!.name)).toEqual(expected);
  });

  it('is what compiling for several inferences may give, and what one inference does not', async () => {
    const model = await importOnnx(residualModel());
    const once = await compileModelAsync(model, { inferences: 1 });
    expect(layersOf(once).map(({ stored }) => stored.hint)).toEqual([null, null, null]);
    const byDefault = encodeModelPlan(await compileModelAsync(model));
    expect(encodeModelPlan(await compileModelAsync(model, { inferences: 2 }))).toBe(byDefault);
  });
});

function toDoublesOf(tensor: TypedTensor): number[] {
  return [...toDoubles(tensor, 'output')];
}
