import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileSpec } from '../../compiler/lowerings/compile.ts';
import { convolve } from '../../runtime/clear/loops.ts';
import { temporaryFolder } from '../cli/spawnCli.ts';
import { OCTETS, serve, until } from '../support/served.ts';
import type { Answer, Served } from '../support/served.ts';
import { FAULTY_WORKER } from '../support/served.ts';
import { simpleSpec } from '../support/simple.ts';
import { withFault } from '../support/faults.ts';

const plan = compileSpec(simpleSpec());
const page = join(temporaryFolder(), 'page');
let served: Served;

beforeAll(async () => {
  mkdirSync(join(page, 'assets'), { recursive: true });
  writeFileSync(join(page, 'index.html'), '<!doctype html><title>page</title>');
  writeFileSync(join(page, 'assets', 'main-1a2b.js'), 'export {};');
  writeFileSync(join(page, '..', 'secret.txt'), 'not to be served');
  served = await serve(plan, { pageFolder: page });
});

afterAll(async () => {
  await served.close();
});

/** A refusal is problem+json whose status is the response's. */
function expectProblem(answer: Answer, status: number, kind: string): void {
  expect(answer.status).toBe(status);
  expect(answer.headers['content-type']).toBe('application/problem+json');
  expect(answer.json).toMatchObject({ status, type: `urn:cipherconv:problem:${kind}` });
}

describe('endpoints', () => {
  it('evaluates: what comes back decrypts to the convolution', async () => {
    const answer = await served.post(served.upload);
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toBe('application/octet-stream');
    expect(served.client.decrypt(answer.body)).toEqual(convolve(plan.spec, served.input));
  });

  it('takes a body without an announced length', async () => {
    const chunked = await served.post(served.upload, { headers: { 'transfer-encoding': 'chunked' } });
    expect(served.client.decrypt(chunked.body)).toEqual(convolve(plan.spec, served.input));
  });

  it('GET /healthz, /v1/plans, /v1/plans/{digest}', async () => {
    expect((await served.send('GET', '/healthz')).json).toEqual({ status: 'ok' });
    expect((await served.send('GET', '/v1/plans')).json).toEqual({
      plans: [{ digest: served.digest, name: 'simple' }],
    });
    const client = await served.send('GET', `/v1/plans/${served.digest}`);
    expect(client.json).toMatchObject({ format: 'cipherconv-client-plan', digest: served.digest });
    expect(Buffer.from(client.body).toString()).not.toContain('"values"');
  });

  it('GET /openapi.json describes every path that is served', async () => {
    const { json } = await served.send('GET', '/openapi.json');
    expect(json).toMatchObject({ openapi: '3.1.0' });
    expect(Object.keys(json?.['paths'] as object).sort()).toEqual([
      '/healthz',
      '/metrics',
      '/openapi.json',
      '/v1/models',
      '/v1/models/{digest}',
      '/v1/models/{digest}/hints/{layer}',
      '/v1/models/{digest}/layers/{index}/evaluate',
      '/v1/models/{digest}/layers/{index}/evaluation-keys',
      '/v1/plans',
      '/v1/plans/{digest}',
      '/v1/plans/{digest}/evaluate',
      '/v1/plans/{digest}/evaluation-keys',
      '/v1/plans/{digest}/hint',
    ]);
    const paths = json?.['paths'] as Record<string, Record<string, { responses: object }>>;
    const { responses } = paths['/v1/plans/{digest}/evaluate']!['post']!;
    expect(Object.keys(responses)).toEqual('200 400 403 404 408 413 415 429 500 503 504'.split(' '));
  });

  it('GET /metrics counts requests by path template', async () => {
    const before = await served.metric('requests_total{path="/v1/plans/{digest}",status="404"}');
    await served.send('GET', `/v1/plans/${'0'.repeat(64)}`);
    expect(await served.metric('requests_total{path="/v1/plans/{digest}",status="404"}')).toBe(before + 1);
    expect(await served.metric('seal_exceptions_total')).toBe(0);
    expect(await served.metric('workers_resident_bytes')).toBeGreaterThan(0);
  });
});

describe('the page', () => {
  it('is served with types, caching and a strict policy', async () => {
    const index = await served.send('GET', '/');
    expect(index.status).toBe(200);
    expect(index.headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-cache',
      'x-content-type-options': 'nosniff',
    });
    const policy = index.headers['content-security-policy'];
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self' 'wasm-unsafe-eval'");
    expect(policy).toContain("frame-ancestors 'none'");
    const script = await served.send('GET', '/assets/main-1a2b.js');
    expect(script.headers['content-type']).toBe('text/javascript; charset=utf-8');
    expect(script.headers['cache-control']).toContain('immutable');
  });

  it.each([
    '/../secret.txt',
    '/assets/../../secret.txt',
    '/%2e%2e/secret.txt',
    '/..%2fsecret.txt',
    '/assets',
  ])('serves nothing else: %s', async (path) => {
    expectProblem(await served.send('GET', path), 404, 'unknown-path');
  });

  it('says how to build it where it is missing', async () => {
    const bare = await serve(plan, { pageFolder: join(page, 'missing') });
    const answer = await bare.send('GET', '/');
    expectProblem(answer, 404, 'unknown-path');
    expect(answer.json?.['detail']).toContain('npm run build:page');
    await bare.close();
  });
});

describe('refusals', () => {
  it('404: an unknown plan, an unknown path', async () => {
    for (const digest of ['0'.repeat(64), 'x', served.digest.toUpperCase()]) {
      expectProblem(await served.send('GET', `/v1/plans/${digest}`), 404, 'unknown-plan');
      const options = { body: served.upload, headers: OCTETS };
      expectProblem(await served.send('POST', `/v1/plans/${digest}/evaluate`, options), 404, 'unknown-plan');
    }
    expectProblem(await served.send('GET', '/v2'), 404, 'unknown-path');
    expectProblem(await served.send('POST', '/'), 404, 'unknown-path');
  });

  it('405: another method, naming the right one', async () => {
    const answer = await served.send('GET', `/v1/plans/${served.digest}/evaluate`);
    expectProblem(answer, 405, 'method-not-allowed');
    expect(answer.headers.allow).toBe('POST');
  });

  it('413: more than any plan takes, announced or not', async () => {
    const long = new Uint8Array(served.upload.length + 1);
    expectProblem(await served.post(long), 413, 'body-too-large');
    expectProblem(
      await served.post(long, { headers: { 'transfer-encoding': 'chunked' } }),
      413,
      'body-too-large',
    );
    // The announced length alone decides: nothing of a gigabyte has to arrive.
    const announced = await served.post(new Uint8Array(10), { headers: { 'content-length': 2 ** 30 } });
    expectProblem(announced, 413, 'body-too-large');
  });

  it('415: another media type, and anything packed', async () => {
    const path = `/v1/plans/${served.digest}/evaluate`;
    const body = served.upload;
    expectProblem(await served.send('POST', path, { body }), 415, 'unsupported-media-type');
    const json = await served.post(body, { headers: { 'content-type': 'application/json' } });
    expectProblem(json, 415, 'unsupported-media-type');
    const packed = await served.post(body, { headers: { 'content-encoding': 'gzip' } });
    expectProblem(packed, 415, 'unsupported-media-type');
    expect(packed.json?.['field']).toBe('Content-Encoding');
  });

  it('400: keys for a plan that needs none; 404 where they would be stored', async () => {
    const named = await served.post(served.upload, { headers: { 'cipherconv-evaluation-keys': 'x' } });
    expectProblem(named, 400, 'malformed');
    const path = `/v1/plans/${served.digest}/evaluation-keys`;
    expectProblem(
      await served.send('PUT', path, { body: served.upload, headers: OCTETS }),
      404,
      'evaluation-keys-disabled',
    );
  });

  it('429: more than the rate, with the time to wait', async () => {
    const limited = await serve(plan, { rate: 1 });
    const answers = await Promise.all(Array.from({ length: 10 }, () => limited.send('GET', '/v1/plans')));
    const refused = answers.filter(({ status }) => status === 429);
    expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThanOrEqual(1);
    expect(refused.length).toBeGreaterThanOrEqual(1);
    expectProblem(refused[0]!, 429, 'too-many-requests');
    expect(Number(refused[0]!.headers['retry-after'])).toBeGreaterThanOrEqual(1);
    expect((await limited.send('GET', '/healthz')).status).toBe(200);
    await limited.close();
  });

  it('a smaller --max-body makes larger uploads 413', async () => {
    const small = await serve(plan, { maxBody: 100 });
    expectProblem(await small.post(small.upload), 413, 'body-too-large');
    await small.close();
  });

  it('503 with Retry-After: the queue is full, before the body is read', async () => {
    const busy = await serve(plan, { workerFile: FAULTY_WORKER, queueLength: 1 });
    const slow = withFault(busy.upload, 'slow');
    const first = busy.post(slow);
    await until(() => busy.service.pool.busy === 1);
    const second = busy.post(slow);
    await until(() => busy.service.pool.waiting === 1);
    const third = await busy.post(busy.upload);
    expectProblem(third, 503, 'busy');
    expect(Number(third.headers['retry-after'])).toBeGreaterThanOrEqual(1);
    expect([(await first).status, (await second).status]).toEqual([200, 200]);
    expect((await busy.post(busy.upload)).status).toBe(200);
    await busy.close();
  });

  it('503: more bytes under way than there is memory for', async () => {
    const tight = await serve(plan, {
      workerFile: FAULTY_WORKER,
      bodyMemoryBytes: 0,
      queueLength: 100,
      addressShare: 1,
    });
    const slow = withFault(tight.upload, 'slow');
    const answers = await Promise.all(Array.from({ length: 4 }, () => tight.post(slow)));
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses).toEqual([200, 200, 503, 503]);
    await tight.close();
  });

  it('every response has the security headers', async () => {
    const answers = [
      await served.send('GET', '/healthz'),
      await served.send('GET', '/nothing'),
      await served.post(served.upload),
      await served.post(new Uint8Array(3)),
    ];
    for (const { headers } of answers) {
      expect(headers['content-security-policy']).toContain("default-src 'none'");
      expect(headers['x-content-type-options']).toBe('nosniff');
      expect(headers['referrer-policy']).toBe('no-referrer');
      expect(headers['cross-origin-resource-policy']).toBe('same-origin');
      expect(headers['cache-control']).toBe('no-store');
    }
  });
});

describe('logs', () => {
  it('have method, template, status, milliseconds and bytes, and nothing of what was sent', async () => {
    await served.send('GET', '/v1/plans?secret=query', { headers: { 'x-secret': 'header' } });
    await served.post(served.upload);
    const text = JSON.stringify(served.events);
    expect(text).not.toContain('secret');
    expect(text).not.toContain(served.digest);
    const last = served.events.findLast(({ event }) => event === 'request');
    expect(last).toMatchObject({
      method: 'POST',
      path: '/v1/plans/{digest}/evaluate',
      status: 200,
      bytesIn: served.upload.length,
      bytesOut: served.client.responseBytes,
    });
    expect(Object.keys(last ?? {}).sort()).toEqual(
      ['event', 'method', 'path', 'status', 'ms', 'bytesIn', 'bytesOut'].sort(),
    );
  });
});
