import { describe, expect, it } from 'vitest';
import { CipherconvError } from '../../compiler/base/errors.ts';
import type { ErrorDetails } from '../../compiler/base/errors.ts';
import { importOnnx } from '../../src/frontend/onnx/importOnnx.ts';
import { clientModelOf } from '../../src/model/clientModelOf.ts';
import { encodeClientModel, parseClientModel } from '../../src/model/clientModelFile.ts';
import { compileModel } from '../../src/model/compileModel.ts';
import type { ModelPlan } from '../../src/model/modelPlan.ts';
import { blindModelPlan, modelPlanDigest } from '../../src/model/modelPlanFile.ts';
import { ModelRunner } from '../../src/model/runModel.ts';
import {
  encodeServerModel,
  joinModel,
  parseServerModel,
  serverModelOf,
} from '../../src/model/serverModel.ts';
import { errorOf } from '../support/simple.ts';
import { residualModel, sampleInput } from './models.ts';

/** What the error says. */
function detailsOf(work: () => unknown): ErrorDetails {
  const error = errorOf(work);
  if (error instanceof CipherconvError) return error.details;
  throw new Error('no error of ours');
}

const compiled = async (): Promise<ModelPlan> => compileModel(await importOnnx(residualModel()));

describe('the two sides of a model', () => {
  it('have one digest, which the whole has too', async () => {
    const plan = await compiled();
    const digest = modelPlanDigest(plan);
    expect(clientModelOf(plan).digest).toBe(digest);
    expect(serverModelOf(plan, null).digest).toBe(digest);
    expect(modelPlanDigest(blindModelPlan(plan))).not.toBe(digest);
  });

  it('are read back as they were written', async () => {
    const plan = await compiled();
    const client = encodeClientModel(clientModelOf(plan));
    expect(encodeClientModel(parseClientModel(client, 'c'))).toBe(client);
    const server = encodeServerModel(serverModelOf(plan, 'model.client'));
    expect(encodeServerModel(parseServerModel(server, 's'))).toBe(server);
  });

  it('hold what is theirs: no weight of a layer here, no segment there', async () => {
    const plan = await compiled();
    const client = encodeClientModel(clientModelOf(plan));
    expect(client).not.toContain('"values"');
    expect(client).toContain('"segments"');
    const server = encodeServerModel(serverModelOf(plan, null));
    for (const key of ['"segments"', '"network"', '"requantization"']) expect(server).not.toContain(key);
  });

  it('run together, layer by layer equal, and say that nothing was there to compare the outputs with', async () => {
    const plan = await compiled();
    const server = parseServerModel(encodeServerModel(serverModelOf(plan, null)), 's');
    const client = parseClientModel(encodeClientModel(clientModelOf(plan)), 'c');
    const inputs = new Map([['x', sampleInput()]]);
    await using whole = await ModelRunner.open(plan);
    await using joined = await ModelRunner.open(joinModel(server, client, 'c'));
    const [expected, found] = [await whole.run(inputs), await joined.run(inputs)];
    expect(found.outputs).toEqual(expected.outputs);
    expect(found.report).toMatchObject({ match: true, comparison: null, statistic: null });
    expect(found.statisticReason).toMatch(/without --client-plan/);
  });

  it('of two models are not put together', async () => {
    const plan = await compiled();
    const server = serverModelOf(plan, null);
    const other = clientModelOf(blindModelPlan(plan));
    expect(errorOf(() => joinModel(server, other, 'c'))).toMatchObject({ code: 'wrong-plan' });
    const layer = { ...server, digest: other.digest };
    expect(detailsOf(() => joinModel(layer, other, 'c')).where).toBe('c: layer 0');
    const fewer = { ...server, layers: server.layers.slice(1) };
    expect(errorOf(() => joinModel(fewer, clientModelOf(plan), 'c'))).toMatchObject({ code: 'wrong-plan' });
  });
});

describe('a client plan of a model from anywhere', () => {
  const forged: [name: string, edit: (text: string) => string, message: RegExp][] = [
    [
      'another digit',
      (text) => text.replace('"outputZeroPoint":0', '"outputZeroPoint":1'),
      /digest is wrong/,
    ],
    ['an unknown key', (text) => text.replace('{', '{"more":1,'), /more/],
    ['an older version', (text) => text.replace(/"version": \d+/, '"version": 1'), /an older cipherconv/],
    ['cut off', (text) => text.slice(0, text.length / 2), /JSON/],
    ['not JSON', () => 'hello', /JSON/],
  ];
  it.each(forged)('%s is refused', async (_, edit, message) => {
    const text = edit(encodeClientModel(clientModelOf(await compiled())));
    expect(() => parseClientModel(text, 'c')).toThrow(message);
  });

  it('whose layer was changed, with a digest made anew, is refused by the layer', async () => {
    const model = clientModelOf(await compiled());
    const rounds = model.rounds.map((round) =>
      round.map((layer) => ({ ...layer, client: { ...layer.client, commitment: '0'.repeat(64) } })),
    );
    const changed = { ...model, rounds };
    const text = encodeClientModel(changed);
    const found = /"digest": "([0-9a-f]{64})"/.exec(text)?.[1] ?? '';
    const expected = detailsOf(() => parseClientModel(text, 'c')).expected ?? '';
    expect(() => parseClientModel(text.replace(found, expected), 'c')).toThrow(/its digest is wrong/);
  });

  it('with segments that do not fit is refused', async () => {
    const model = clientModelOf(await compiled());
    const text = encodeClientModel({ ...model, segments: model.segments.map(() => null) });
    const found = /"digest": "([0-9a-f]{64})"/.exec(text)?.[1] ?? '';
    const expected = detailsOf(() => parseClientModel(text, 'c')).expected ?? '';
    expect(() => parseClientModel(text.replace(found, expected), 'c')).toThrow(/is not known there/);
  });
});
