/** The handler of standard requests, without a server of ours around it. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileSpec } from '../../compiler/lowerings/compile.ts';
import { convolve } from '../../runtime/clear/loops.ts';
import { connect, createPlanClient, parseClientPlan } from '../../src/client/index.ts';
import { clientPlanOf, encodeClientPlan } from '../../src/frontend/clientPlan.ts';
import { importOnnx } from '../../src/frontend/onnx/importOnnx.ts';
import { storedPlan } from '../../src/frontend/planFile.ts';
import { encodeClientModel } from '../../src/model/clientModelFile.ts';
import { clientModelOf } from '../../src/model/clientModelOf.ts';
import { compileModel } from '../../src/model/compileModel.ts';
import { serverModelOf } from '../../src/model/serverModel.ts';
import { createHandler, modelToServe } from '../../src/server/index.ts';
import type { Handler } from '../../src/server/index.ts';
import { residualModel } from '../model/models.ts';
import { OCTETS } from '../support/served.ts';
import { simpleSpec } from '../support/simple.ts';
import { randomInput } from '../support/specs.ts';

const stored = storedPlan(compileSpec(simpleSpec()), 'NCHW');
const input = randomInput(stored.plan.spec, 3);
let handler: Handler;
let model: string;

beforeAll(async () => {
  const plan = compileModel(await importOnnx(residualModel()));
  const client = clientModelOf(plan);
  model = client.digest;
  handler = await createHandler(
    [stored, modelToServe(serverModelOf(plan, null), encodeClientModel(client))],
    {
      workers: 1,
      basePath: '/he',
    },
  );
});

afterAll(async () => {
  await handler.close();
});

const at = (path: string, init?: RequestInit): Request => new Request(`http://any.example/he${path}`, init);

describe('a handler', () => {
  it('says what it serves, below its base path and nowhere else', async () => {
    expect(handler.digests).toEqual([stored.digest, model]);
    const listed = await handler(at('/v1/plans'));
    expect(await listed.json()).toEqual({ plans: [{ digest: stored.digest, name: 'simple' }] });
    expect((await handler(new Request('http://any.example/elsewhere/v1/plans'))).status).toBe(404);
  });

  it('evaluates an upload as the server does, says how long it took, and refuses what is wrong', async () => {
    const plan = parseClientPlan(encodeClientPlan(clientPlanOf(stored)), 'client');
    using client = await createPlanClient(plan);
    const upload = client.encrypt(input) as Uint8Array<ArrayBuffer>;
    const path = `/v1/plans/${stored.digest}/evaluate`;
    const answer = await handler(at(path, { method: 'POST', body: upload, headers: OCTETS }));
    expect(answer.status).toBe(200);
    expect(answer.headers.get('server-timing')).toMatch(/^evaluate;dur=\d/);
    expect(client.decrypt(new Uint8Array(await answer.arrayBuffer()))).toEqual(
      convolve(stored.plan.spec, input),
    );
    const short = await handler(at(path, { method: 'POST', body: upload.slice(1), headers: OCTETS }));
    expect(short.status).toBe(400);
    const long = await handler(at(path, { method: 'POST', body: new Uint8Array(2 ** 20), headers: OCTETS }));
    expect(long.status).toBe(413);
    const wrong = upload.slice();
    wrong[0] = 0;
    const malformed = await handler(at(path, { method: 'POST', body: wrong, headers: OCTETS }));
    expect(await malformed.json()).toMatchObject({ status: 400, field: 'magic' });
  });

  it('serves plans and models behind any HTTP server', async () => {
    const listener = getRequestListener((request) => handler(request, { address: '127.0.0.1' }));
    const server = createServer((incoming, outgoing) => void listener(incoming, outgoing));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/he`;
      for (const digest of handler.digests) {
        using remote = await connect(url, digest);
        const image =
          remote.kind === 'plan' ? input : { shape: [1, 1, 4, 4], data: new Float64Array(16).fill(3) };
        const output = await remote.infer(image);
        expect(output.data.length).toBe(
          remote.kind === 'plan' ? convolve(stored.plan.spec, input).data.length : 16,
        );
      }
    } finally {
      server.close();
    }
  });
});
