import { afterEach, describe, expect, it } from 'vitest';
import { convolve } from '../../runtime/clear/loops.ts';
import { connect } from '../../src/client/index.ts';
import { storedPlan } from '../../src/frontend/planFile.ts';
import { startService } from '../../src/server/service.ts';
import { defaultSettings } from '../../src/server/settings.ts';
import { diagonals, square } from '../support/diagonals.ts';
import { OCTETS, sendTo, serve } from '../support/served.ts';
import type { Answer, Served } from '../support/served.ts';
import { randomInput } from '../support/specs.ts';

const plan = diagonals(square(2, 0));
const KEYS = 'cipherconv-evaluation-keys';
let served: Served | null = null;

afterEach(async () => {
  await served?.close();
  served = null;
});

async function start(settings: Parameters<typeof serve>[1]): Promise<Served> {
  served = await serve(plan, settings);
  return served;
}

function put({ send, digest, client }: Served, body: Uint8Array = client.evaluationKeys()): Promise<Answer> {
  return send('PUT', `/v1/plans/${digest}/evaluation-keys`, { body, headers: OCTETS });
}

describe('a diagonals plan', () => {
  it('is not served where no evaluation keys are taken', async () => {
    const settings = { ...defaultSettings(), port: 0 };
    const starting = startService([storedPlan(plan, 'NCHW')], settings, () => undefined);
    await expect(starting).rejects.toMatchObject({ code: 'unsupported' });
    await expect(starting).rejects.toThrow('--evaluation-keys-memory');
  });

  it('is not served where the keys of one client do not fit', async () => {
    const settings = { ...defaultSettings(), port: 0, keysMemoryBytes: 1000 };
    const starting = startService([storedPlan(plan, 'NCHW')], settings, () => undefined);
    await expect(starting).rejects.toMatchObject({ code: 'usage' });
  });

  it('is evaluated with the keys that its client has uploaded', async () => {
    const here = await start({ keysMemoryBytes: 2 ** 26 });
    const stored = await put(here);
    expect(stored.status).toBe(201);
    const id = String(stored.json?.['id']);
    expect(id).toMatch(/^[0-9a-f]{32}$/);
    for (let round = 0; round < 2; round++) {
      const answer = await here.post(here.upload, { headers: { [KEYS]: id } });
      expect(answer.status).toBe(200);
      expect(here.client.decrypt(answer.body)).toEqual(convolve(plan.spec, here.input));
    }
    expect(await here.metric('evaluation_keys_bytes')).toBe(here.client.evaluationKeyBytes);
  });

  it('needs the header, and an id that is known', async () => {
    const here = await start({ keysMemoryBytes: 2 ** 26 });
    const missing = await here.post(here.upload);
    expect(missing.json).toMatchObject({ status: 400, field: 'Cipherconv-Evaluation-Keys' });
    const unknown = await here.post(here.upload, { headers: { [KEYS]: '0'.repeat(32) } });
    expect(unknown.json).toMatchObject({
      status: 404,
      type: 'urn:cipherconv:problem:unknown-evaluation-keys',
    });
  });

  it('keys are capped in bytes: 503 until some expire', async () => {
    const one = storedPlan(plan, 'NCHW').plan;
    const bytes = 40 + ('keys' in one ? one.keys.bytes : 0);
    const here = await start({ keysMemoryBytes: 2 * bytes + 100, addressShare: 1 });
    expect([(await put(here)).status, (await put(here)).status]).toEqual([201, 201]);
    const third = await put(here);
    expect(third.json).toMatchObject({ status: 503, type: 'urn:cipherconv:problem:busy' });
    expect(Number(third.headers['retry-after'])).toBeGreaterThan(60);
  });

  it('keys of one address are capped: 429, and the rest is left to others', async () => {
    const one = storedPlan(plan, 'NCHW').plan;
    const bytes = 40 + ('keys' in one ? one.keys.bytes : 0);
    const here = await start({ keysMemoryBytes: 4 * bytes + 100 });
    expect([(await put(here)).status, (await put(here)).status]).toEqual([201, 201]);
    const third = await put(here);
    expect(third.json).toMatchObject({ status: 429, type: 'urn:cipherconv:problem:too-many-requests' });
    expect(Number(third.headers['retry-after'])).toBeGreaterThan(60);
    const other = await sendTo(`${here.service.url}/v1/plans/${here.digest}/evaluation-keys`, 'PUT', {
      body: here.client.evaluationKeys(),
      headers: OCTETS,
      localAddress: '127.0.0.2',
    });
    expect(other.status).toBe(201);
  });

  it('unused keys expire', async () => {
    const here = await start({ keysMemoryBytes: 2 ** 26, keysIdleMs: 50 });
    const id = String((await put(here)).json?.['id']);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect((await here.post(here.upload, { headers: { [KEYS]: id } })).status).toBe(404);
    expect(await here.metric('evaluation_keys_bytes')).toBe(0);
  });

  it('works with the client of cipherconv/client, also after its keys have expired', async () => {
    const here = await start({ keysMemoryBytes: 2 ** 26, keysIdleMs: 2000 });
    const remote = await connect(here.service.url, here.digest);
    for (const seed of [1, 2]) {
      const input = randomInput(plan.spec, seed);
      expect(await remote.infer(input)).toEqual(convolve(plan.spec, input));
      await new Promise((resolve) => setTimeout(resolve, 2500));
    }
    remote.dispose();
  });
});
