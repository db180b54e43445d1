import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MESSAGE_HEADER_BYTES } from '../../runtime/wire/message.ts';
import { planCore, storedPlan } from '../../src/frontend/planFile.ts';
import type { StoredPlan } from '../../src/frontend/planFile.ts';
import { computeHint } from '../../src/hint.ts';
import { byteRange } from '../../src/server/byteRange.ts';
import { hintMessage } from '../../src/server/hintMessage.ts';
import { startService } from '../../src/server/service.ts';
import type { Service } from '../../src/server/service.ts';
import { defaultSettings } from '../../src/server/settings.ts';
import { compileToeplitz } from '../support/compile.ts';
import { sendTo } from '../support/served.ts';
import type { Answer } from '../support/served.ts';
import { simpleSpec } from '../support/simple.ts';

let stored: StoredPlan;
let payload: Uint8Array;
let service: Service;
const standard = storedPlan(compileToeplitz(simpleSpec(), { protocol: 'standard' }), 'NCHW');

beforeAll(async () => {
  const made = await computeHint(planCore(compileToeplitz(simpleSpec(), { protocol: 'hint' }), 'NCHW'));
  stored = made.plan;
  payload = made.hint;
  const settings = { ...defaultSettings(), port: 0, workers: 1, corsOrigins: ['https://page.example'] };
  service = await startService([stored, standard], settings, () => undefined);
});

afterAll(async () => {
  await service.stop();
});

function get(headers: Readonly<Record<string, string>> = {}, method = 'GET'): Promise<Answer> {
  return sendTo(`${service.url}/v1/plans/${stored.digest}/hint`, method, { headers });
}

describe('GET /v1/plans/{digest}/hint', () => {
  it('sends the hint message, whose payload has the hash that the plan says', async () => {
    const { status, headers, body } = await get();
    expect(status).toBe(200);
    expect(headers).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-length': String(MESSAGE_HEADER_BYTES + payload.length),
      'cache-control': 'public, max-age=31536000, immutable',
      'accept-ranges': 'bytes',
      etag: `"${stored.hint?.sha256 ?? ''}"`,
    });
    expect(body.subarray(MESSAGE_HEADER_BYTES)).toEqual(payload);
    expect(Buffer.from(body.subarray(8, 40)).toString('hex')).toBe(stored.digest);
    expect(createHash('sha256').update(payload).digest('hex')).toBe(stored.hint?.sha256);
  });

  it('answers HEAD and If-None-Match without a body', async () => {
    const head = await get({}, 'HEAD');
    expect(head).toMatchObject({ status: 200, body: new Uint8Array(0) });
    expect(head.headers['content-length']).toBe(String(MESSAGE_HEADER_BYTES + payload.length));
    const etag = head.headers.etag ?? '';
    for (const tag of [etag, `"x", W/${etag}`, '*'])
      expect(await get({ 'if-none-match': tag })).toMatchObject({ status: 304, body: new Uint8Array(0) });
    expect((await get({ 'if-none-match': '"x"' })).status).toBe(200);
  });

  it('sends ranges, together the whole', async () => {
    const whole = (await get()).body;
    const { length } = whole;
    const etag = (await get({}, 'HEAD')).headers.etag ?? '';
    const parts = await Promise.all(
      ['bytes=0-99', 'bytes=100-'].map((range) => get({ range, 'if-range': etag })),
    );
    expect(parts.map(({ status }) => status)).toEqual([206, 206]);
    expect(parts.map(({ headers }) => headers['content-range'])).toEqual([
      `bytes 0-99/${length}`,
      `bytes 100-${length - 1}/${length}`,
    ]);
    expect(Buffer.concat(parts.map(({ body }) => body))).toEqual(Buffer.from(whole));
    expect((await get({ range: 'bytes=-7' })).body).toEqual(whole.subarray(-7));
    expect((await get({ range: 'bytes=0-9', 'if-range': '"another"' })).body).toEqual(whole);
    const beyond = await get({ range: `bytes=${length}-` });
    expect(beyond.status).toBe(416);
    expect(beyond.headers['content-range']).toBe(`bytes */${length}`);
    expect(beyond.json).toMatchObject({ type: 'urn:cipherconv:problem:no-such-range', field: 'Range' });
  });

  it('lets pages of allowed origins read what ranges need', async () => {
    const { headers } = await get({ origin: 'https://page.example', 'sec-fetch-site': 'cross-site' });
    expect(headers['access-control-allow-origin']).toBe('https://page.example');
    expect(headers['access-control-expose-headers']).toContain('Content-Range');
  });

  it('is 404 for plans without one, and for plans that are not there', async () => {
    const path = (digest: string): string => `${service.url}/v1/plans/${digest}/hint`;
    expect((await sendTo(path(standard.digest), 'GET')).json).toMatchObject({
      status: 404,
      type: 'urn:cipherconv:problem:no-hint',
    });
    expect((await sendTo(path('0'.repeat(64)), 'GET')).json).toMatchObject({
      type: 'urn:cipherconv:problem:unknown-plan',
    });
    expect((await sendTo(path(stored.digest), 'POST')).status).toBe(405);
  });

  it('is counted in memory', async () => {
    const metrics = Buffer.from((await sendTo(`${service.url}/metrics`, 'GET')).body).toString();
    expect(metrics).toContain(`\ncipherconv_hint_bytes ${MESSAGE_HEADER_BYTES + payload.length}\n`);
    expect(metrics).toContain('requests_total{path="/v1/plans/{digest}/hint",status="206"}');
  });
});

describe('a served hint', () => {
  it('has to be the one that the plan says', async () => {
    const lie = {
      ...stored,
      hint: { sha256: '0'.repeat(64), bytes: payload.length },
      digest: '1'.repeat(64),
    };
    await expect(hintMessage(lie)).rejects.toMatchObject({ code: 'plan-rejected' });
    const settings = { ...defaultSettings(), port: 0, workers: 1 };
    await expect(startService([lie], settings, () => undefined)).rejects.toMatchObject({
      code: 'plan-rejected',
    });
    await expect(hintMessage(standard)).rejects.toMatchObject({ code: 'usage' });
  });
});

describe('byteRange', () => {
  it.each([
    ['bytes=0-0', { kind: 'part', start: 0, end: 1 }],
    ['bytes=9-', { kind: 'part', start: 9, end: 10 }],
    ['bytes=3-99', { kind: 'part', start: 3, end: 10 }],
    ['bytes=-4', { kind: 'part', start: 6, end: 10 }],
    ['bytes=-99', { kind: 'part', start: 0, end: 10 }],
    ['bytes=10-', { kind: 'unsatisfiable' }],
    ['bytes=-0', { kind: 'unsatisfiable' }],
    ['bytes=5-4', { kind: 'all' }],
    ['bytes=-', { kind: 'all' }],
    ['bytes=0-1,3-4', { kind: 'all' }],
    ['lines=0-1', { kind: 'all' }],
    [`bytes=${'9'.repeat(400)}-`, { kind: 'all' }],
    [undefined, { kind: 'all' }],
  ])('%s of 10 bytes', (header, expected) => {
    expect(byteRange(header, 10)).toEqual(expected);
  });
});
