/** Who may ask: by the host that a request names, and by the page that makes it. Raw requests, as browsers send them. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileSpec } from '../../compiler/lowerings/compile.ts';
import { convolve } from '../../runtime/clear/loops.ts';
import { originRules, refuseForeign } from '../../src/server/origins.ts';
import { begin, received } from '../support/rawSockets.ts';
import { OCTETS, serve } from '../support/served.ts';
import type { Answer, Served } from '../support/served.ts';
import { simpleSpec } from '../support/simple.ts';

const plan = compileSpec(simpleSpec());
const FRIEND = 'https://friend.example';
let served: Served;
/** The same plan for a name of its own and a page from elsewhere. */
let open: Served;

beforeAll(async () => {
  served = await serve(plan);
  open = await serve(plan, { allowedHosts: ['filters.example'], corsOrigins: [FRIEND] });
});

afterAll(async () => {
  await served.close();
  await open.close();
});

type Headers = Readonly<Record<string, string>>;

async function statusOf({ send }: Served, headers: Headers, path = '/v1/plans'): Promise<number> {
  return (await send('GET', path, { headers })).status;
}

function expectForbidden({ status, json, headers }: Answer, kind: string): void {
  expect({ status, type: json?.['type'] }).toEqual({ status: 403, type: `urn:cipherconv:problem:${kind}` });
  expect(headers['access-control-allow-origin']).toBeUndefined();
}

describe('the host that a request names, on a loopback address', () => {
  it.each(['localhost', 'LOCALHOST:1', '127.0.0.1', '127.0.0.1:8080', '[::1]', '[::1]:8080', 'localhost.'])(
    'is its own: %s',
    async (host) => {
      expect(await statusOf(served, { host })).toBe(200);
    },
  );

  it.each([
    'evil.example',
    'evil.example:8080',
    '127.0.0.1.evil.example',
    'localhost.evil.example',
    '127.0.0.2',
  ])('is another: %s, for every path', async (host) => {
    for (const path of [
      '/',
      '/v1/plans',
      `/v1/plans/${served.digest}`,
      '/metrics',
      '/openapi.json',
      '/healthz',
    ]) {
      expectForbidden(await served.send('GET', path, { headers: { host } }), 'foreign-host');
    }
    expectForbidden(await served.post(served.upload, { headers: { host } }), 'foreign-host');
  });

  it('may be allowed', async () => {
    expect(await statusOf(open, { host: 'filters.example' })).toBe(200);
    expect(await statusOf(open, { host: 'localhost' })).toBe(200);
    expect(await statusOf(open, { host: 'other.example' })).toBe(403);
  });

  it('given twice is 400, whichever comes first', async () => {
    for (const hosts of [
      ['localhost', 'evil.example'],
      ['evil.example', 'localhost'],
      ['localhost', 'localhost'],
    ]) {
      const lines = hosts.map((host) => `Host: ${host}\r\n`).join('');
      const text = await received(
        begin(served.service.url, `GET /v1/plans HTTP/1.1\r\n${lines}Connection: close\r\n\r\n`),
      );
      expect(text).toMatch(/^HTTP\/1\.1 400 /);
    }
  });

  it('is any on another address, unless some are allowed', async () => {
    const incoming = { headers: { host: 'x.example' }, hosts: 1, method: 'GET' };
    const refusal = async (host: string, allowed: string[]): Promise<number | null> =>
      refuseForeign(await originRules(host, allowed, []), incoming)?.status ?? null;
    expect(await refusal('0.0.0.0', [])).toBeNull();
    expect(await refusal('0.0.0.0', ['x.example'])).toBeNull();
    expect(await refusal('0.0.0.0', ['y.example'])).toBe(403);
    for (const loopback of ['127.0.0.1', 'localhost', '::1', '127.1.2.3', '127.1', '::ffff:127.0.0.1']) {
      expect(await refusal(loopback, []), loopback).toBe(403);
    }
  });
});

describe('the page that asks', () => {
  const foreign: [string, Headers][] = [
    ['from another site', { 'sec-fetch-site': 'cross-site' }],
    ['from another origin of the site', { 'sec-fetch-site': 'same-site' }],
    [
      'by a script',
      { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'script' },
    ],
    [
      'in a frame',
      { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' },
    ],
    ['of an old browser', { origin: 'https://evil.example' }],
    ['of an old browser, on another port', { origin: 'http://localhost:1', host: 'localhost:2' }],
    ['without an origin of its own', { origin: 'null' }],
  ];

  it.each(foreign)('%s is refused, on every path and method', async (_, headers) => {
    expectForbidden(await served.send('GET', '/v1/plans', { headers }), 'cross-origin');
    expectForbidden(await served.send('GET', '/', { headers }), 'cross-origin');
    expectForbidden(await served.post(served.upload, { headers }), 'cross-origin');
    expectForbidden(await open.send('GET', '/v1/plans', { headers }), 'cross-origin');
    const preflight = { ...headers, 'access-control-request-method': 'POST' };
    expectForbidden(await served.send('OPTIONS', '/v1/plans', { headers: preflight }), 'cross-origin');
  });

  it('is the own one, a link that somebody follows, or no page at all', async () => {
    const own: Headers[] = [
      {},
      { 'sec-fetch-site': 'same-origin', origin: served.service.url },
      { 'sec-fetch-site': 'none' },
      { origin: served.service.url },
      // A proxy that terminates TLS may name the server its own way; the browser's word counts.
      { 'sec-fetch-site': 'same-origin', origin: 'https://filters.example' },
      { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' },
    ];
    for (const headers of own) expect(await statusOf(served, headers)).toBe(200);
  });

  it('of an allowed origin reads the answers: its origin alone stands in them', async () => {
    const headers = { origin: FRIEND, 'sec-fetch-site': 'cross-site' };
    const answer = await open.post(open.upload, { headers });
    expect(open.client.decrypt(answer.body)).toEqual(convolve(plan.spec, open.input));
    const refused = await open.post(new Uint8Array(3), { headers });
    expect([answer.status, refused.status]).toEqual([200, 400]);
    for (const { headers: sent } of [answer, refused]) {
      expect(sent['access-control-allow-origin']).toBe(FRIEND);
      expect(sent['access-control-expose-headers']).toBe(
        'Retry-After,Server-Timing,ETag,Content-Range,Accept-Ranges',
      );
      expect(sent.vary).toBe('Origin');
      expect(sent['access-control-allow-credentials']).toBeUndefined();
      expect(sent['content-security-policy']).toContain("default-src 'none'");
    }
    // Whoever asks without an origin is told of none, and caches must not mix the two up.
    const plain = await open.send('GET', '/v1/plans');
    expect(plain.headers['access-control-allow-origin']).toBeUndefined();
    expect(plain.headers.vary).toBe('Origin');
  });

  it('of an allowed origin may ask beforehand: OPTIONS', async () => {
    const headers = {
      origin: FRIEND,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'content-type,cipherconv-evaluation-keys',
    };
    const answer = await open.send('OPTIONS', `/v1/plans/${open.digest}/evaluate`, { headers });
    expect(answer.status).toBe(204);
    expect(answer.headers).toMatchObject({
      'access-control-allow-origin': FRIEND,
      'access-control-allow-methods': 'GET,HEAD,POST,PUT',
      'access-control-allow-headers': 'content-type,cipherconv-evaluation-keys',
      'access-control-max-age': '600',
    });
    // Nobody asks beforehand: a method that the path does not take.
    const bare = await open.send('OPTIONS', '/v1/plans', { headers: { origin: FRIEND } });
    expect(bare.status).toBe(405);
    const without = await served.send('OPTIONS', '/v1/plans', { headers: OCTETS });
    expect(without.status).toBe(405);
  });
});
