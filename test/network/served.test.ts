/** A network of one round behind HTTP: one upload and one response under its digest, as a plan has them. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileNetwork } from '../../compiler/network/compile.ts';
import { loadClientPlan, loadServerPlan } from '../../src/cli/clientFiles.ts';
import { connect, connectPlan } from '../../src/client/index.ts';
import { createNetworkClient } from '../../src/client/networkClient.ts';
import type { RemoteNetwork } from '../../src/client/remoteNetwork.ts';
import { encodeClientNetwork, parseClientNetwork } from '../../src/network/clientNetwork.ts';
import { clientNetworkOf, storeNetwork } from '../../src/network/networkPlan.ts';
import { encodeNetworkPlan } from '../../src/network/networkPlanFile.ts';
import { modelPort } from '../../src/network/port.ts';
import { createHandler, parseNetworkPlan } from '../../src/server/index.ts';
import type { Handler } from '../../src/server/index.ts';
import { temporaryFolder } from '../cli/spawnCli.ts';
import { clearLogits, randomInput, randomNetwork } from '../support/networks.ts';
import { OCTETS } from '../support/served.ts';
import { errorOf } from '../support/simple.ts';

/** Two squares and two plain moduli. */
const spec = randomNetwork(21);
const port = {
  name: 'pictures',
  type: 'float32',
  shape: [1, ...spec.input.shape],
  quantize: { scale: 85, zeroPoint: 0 },
} as const;
const stored = parseNetworkPlan(
  encodeNetworkPlan(storeNetwork({ plan: compileNetwork(spec), port, output: 'scores', blind: null })),
  'plan',
);
const clientText = encodeClientNetwork(clientNetworkOf(stored));
const input = (seed: number): { shape: readonly number[]; data: Float64Array } => ({
  shape: port.shape,
  data: randomInput(spec, seed).map((level) => level * 85),
});

let handler: Handler;
let remote: RemoteNetwork;
const fetched: string[] = [];

const ask = (url: string, init: RequestInit): Promise<Response> => {
  fetched.push(`${init.method ?? 'GET'} ${new URL(url).pathname.replace(stored.digest, 'DIGEST')}`);
  return handler(new Request(url, init));
};

beforeAll(async () => {
  handler = await createHandler([stored], { workers: 1 });
  const connected = await connect('http://any.example', stored.digest, { fetch: ask });
  if (connected.kind !== 'network') throw new Error('another kind');
  remote = connected;
});

afterAll(async () => {
  remote.dispose();
  await handler.close();
});

describe('a served network', () => {
  it('computes the logits of the definition, in one request each after the keys were sent', async () => {
    for (const seed of [1, 2]) {
      const { logits, scores } = await remote.inferExact(input(seed));
      expect(logits).toEqual(clearLogits(spec, randomInput(spec, seed)));
      expect([...scores.data]).toEqual(logits.map(Number));
    }
    expect((await remote.infer(input(1))).shape).toEqual([1, ...spec.output.shape]);
    expect(fetched).toEqual([
      'GET /v1/plans/DIGEST',
      'PUT /v1/plans/DIGEST/evaluation-keys',
      ...Array.from({ length: 3 }, () => 'POST /v1/plans/DIGEST/evaluate'),
    ]);
  });

  it('loads keys anew when another client comes, and again when the first one is back', async () => {
    const connected = await connect('http://any.example', stored.digest, { fetch: ask });
    for (const each of [connected, remote, connected, remote])
      expect([...(await each.infer(input(5))).data]).toEqual(
        clearLogits(spec, randomInput(spec, 5)).map((logit) => Math.fround(Number(logit))),
      );
    connected.dispose();
  });

  it('is listed with its kind; the client plan is the file that compile writes, without a weight', async () => {
    const listed = await handler(new Request('http://any.example/v1/plans'));
    expect(await listed.json()).toEqual({
      plans: [{ digest: stored.digest, name: spec.name, kind: 'network' }],
    });
    const served = await handler(new Request(`http://any.example/v1/plans/${stored.digest}`));
    expect(await served.text()).toBe(clientText);
    expect(clientText).not.toMatch(/"(weights|bias|values)"/);
    expect(clientText).toContain(`"digest": "${stored.digest}"`);
  });

  it('refuses foreign bytes as malformed, and goes on', async () => {
    using client = await createNetworkClient(remote.network);
    const post = async (path: string, method: string, body: Uint8Array, id?: string): Promise<Response> =>
      handler(
        new Request(`http://any.example/v1/plans/${stored.digest}/${path}`, {
          method,
          body: body.slice(),
          headers: id === undefined ? OCTETS : { ...OCTETS, 'Cipherconv-Evaluation-Keys': id },
        }),
      );
    const keys = client.evaluationKeys();
    const stuffed = (message: Uint8Array, at: number): Uint8Array => message.slice().fill(255, at, at + 8);
    expect((await post('evaluation-keys', 'PUT', stuffed(keys, 40))).status).toBe(400);
    expect((await post('evaluation-keys', 'PUT', keys.subarray(1))).status).toBe(400);
    const made = await post('evaluation-keys', 'PUT', keys);
    const { id } = (await made.json()) as { id: string };
    const upload = client.encrypt(input(3));
    expect((await post('evaluate', 'POST', upload)).status).toBe(400);
    for (const wrong of [upload.subarray(1), stuffed(upload, 0), stuffed(upload, 8), stuffed(upload, 40)])
      expect((await post('evaluate', 'POST', wrong, id)).status).toBe(400);
    expect((await post('evaluate', 'POST', new Uint8Array(upload.length + 1), id)).status).toBe(413);
    expect((await post('evaluate', 'POST', upload, 'ab'.repeat(16))).status).toBe(404);
    const answer = await post('evaluate', 'POST', upload, id);
    const { logits } = client.decrypt(new Uint8Array(await answer.arrayBuffer()));
    expect(logits).toEqual(clearLogits(spec, randomInput(spec, 3)));
  });

  it('lets a client come back with its secret key, and no other network takes it', async () => {
    using first = await createNetworkClient(remote.network);
    const secretKey = first.exportSecretKey();
    const again = await connect('http://any.example', stored.digest, { fetch: ask, secretKey });
    expect((await again.infer(input(4))).data.length).toBe(spec.output.shape[0]);
    again.dispose();
    const other = { ...remote.network, digest: '0'.repeat(64) };
    await expect(createNetworkClient(other, { secretKey })).rejects.toMatchObject({ code: 'wrong-plan' });
  });

  it('is not taken for a plan of one convolution', async () => {
    await expect(connectPlan('http://any.example', stored.digest, { fetch: ask })).rejects.toMatchObject({
      code: 'malformed-plan',
    });
  });
});

describe('a client plan of a network', () => {
  type Tree = Record<string, unknown>;
  const changed = (path: string, value: unknown): unknown => {
    const tree = JSON.parse(clientText) as Tree;
    const keys = path.split('.');
    const parent = keys.slice(0, -1).reduce((at, key) => at[key] as Tree, tree);
    parent[keys.at(-1)!] = value;
    return errorOf(() => parseClientNetwork(JSON.stringify(tree), 'client'));
  };

  it('is read back as it was written', () => {
    expect(encodeClientNetwork(parseClientNetwork(clientText, 'client'))).toBe(clientText);
  });

  it('of before the client made the last sums is refused as older', () => {
    expect(changed('version', 3)).toMatchObject({
      code: 'malformed-plan',
      details: {
        message: expect.stringContaining('made by an older cipherconv'),
        expected: 'version 4 of the file',
        found: 'version 3',
      },
    });
  });

  it.each([
    ['digest', '0'.repeat(64), 'malformed-plan'],
    ['commitment', '0'.repeat(64), 'malformed-plan'],
    ['output', 'other', 'malformed-plan'],
    ['view.weights', [1], 'malformed-plan'],
    ['view.parameters.degree', 4096, 'plan-rejected'],
    ['view.parameters.plainModuli', [65537, 65537], 'plan-rejected'],
    ['view.parameters.plainModuli', [65539], 'plan-rejected'],
    ['view.parameters.plainModuli', [65537], 'plan-rejected'],
    ['view.parameters.dataPrimes', Array.from({ length: 16 }, () => '1152921504606830593'), 'plan-rejected'],
    ['view.input.range.lo', 9, 'plan-rejected'],
    ['view.input.shape', [2 ** 30], 'plan-rejected'],
    ['view.uploads.rows', [], 'plan-rejected'],
    ['view.uploads.rows.0', 1e9, 'plan-rejected'],
    ['view.uploads.supports.0', [1e9], 'plan-rejected'],
    ['view.keys.bytes', 1, 'plan-rejected'],
    ['view.keys.steps', [0], 'plan-rejected'],
    ['view.keys.steps', [5, 5], 'plan-rejected'],
    ['view.results.slots.0', 2 ** 20, 'plan-rejected'],
    ['view.results.slots', [0, 0], 'plan-rejected'],
    ['view.results.sums', [13], 'plan-rejected'],
    ['view.results.sums', [-1], 'plan-rejected'],
    ['view.results.sums', [1, 1], 'plan-rejected'],
    ['view.results.sums', Array.from({ length: 13 }, (_, bit) => bit), 'plan-rejected'],
    ['view.resultPrimes', 9, 'plan-rejected'],
    ['view.logits.0.lo', '99999999999999999999999', 'plan-rejected'],
    ['view.logits.0.modulus', '-1', 'plan-rejected'],
    ['view.logits.0.hi', '1e9', 'malformed-plan'],
    ['view.output.scale.denominator', '0', 'plan-rejected'],
    ['port.shape', [1, 5], 'plan-rejected'],
  ])('refuses %s of %j', (path, value, code) => {
    expect(changed(path, value)).toMatchObject({
      details: { code, where: expect.stringContaining('client') },
    });
  });
});

describe('the input of a network', () => {
  it('takes pictures from 0 to 255 where its levels reach so far, else from 0 to 1', () => {
    const bytes = {
      name: 'x',
      type: 'float32',
      shape: [1, 1, 2, 2],
      quantize: { scale: 85, zeroPoint: 0 },
    } as const;
    const ends = { lo: 0, hi: 3 };
    expect(modelPort(bytes, ends).largest).toBe(255);
    expect(modelPort({ ...bytes, quantize: { scale: 1 / 3, zeroPoint: 0 } }, ends).largest).toBeUndefined();
    expect(modelPort({ ...bytes, quantize: null }, ends).largest).toBeUndefined();
  });
});

describe('commands of single steps', () => {
  it('refuse networks, and say which ones take them', async () => {
    const folder = temporaryFolder();
    const [client, plan] = [join(folder, 'client'), join(folder, 'plan')];
    writeFileSync(client, clientText);
    writeFileSync(plan, encodeNetworkPlan(stored));
    const loads = [() => loadClientPlan(client), () => loadClientPlan(plan), () => loadServerPlan(plan)];
    for (const load of loads)
      await expect(load()).rejects.toMatchObject({
        code: 'unsupported',
        details: { hint: expect.stringContaining('infer --plan') },
      });
  });
});
