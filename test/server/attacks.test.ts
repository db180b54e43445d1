/**
 * Attacks on what a server has of connections, memory and time, with real sockets from two addresses of this machine. After
 * each of them an honest request is answered, and right.
 */
import type { Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { compileSpec } from '../../compiler/lowerings/compile.ts';
import { convolve } from '../../runtime/clear/loops.ts';
import { withFault } from '../support/faults.ts';
import { begin, beginPost, firstBytes, received } from '../support/rawSockets.ts';
import { FAULTY_WORKER, serve, until } from '../support/served.ts';
import type { Served } from '../support/served.ts';
import { simpleSpec } from '../support/simple.ts';

/** Uploads end in a seed, which tests rely on. */
const plan = compileSpec(simpleSpec(), { upload: 'seeded' });
const NOTHING = new Uint8Array(0);
const ATTACKER = '127.0.0.2';
let served: Served | null = null;
let sockets: Socket[] = [];

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  sockets = [];
  await served?.close();
  served = null;
});

async function start(settings: Parameters<typeof serve>[1] = {}): Promise<Served> {
  served = await serve(plan, { workerFile: FAULTY_WORKER, ...settings });
  return served;
}

function open(count: number, one: () => Socket): Socket[] {
  const opened = Array.from({ length: count }, one);
  sockets.push(...opened);
  return opened;
}

/** The next honest request, from either address, is answered right: at the first try, while the attack goes on. */
async function expectRight({ post, upload, client, input }: Served): Promise<void> {
  for (const localAddress of ['127.0.0.1', ATTACKER]) {
    const answer = await post(upload, { localAddress });
    expect(answer.status).toBe(200);
    expect(client.decrypt(answer.body)).toEqual(convolve(plan.spec, input));
  }
}

describe('heads without bodies', () => {
  it('hold no bytes and keep nobody out', async () => {
    const here = await start({ bodyMemoryBytes: 0 });
    open(64, () => beginPost(here, here.upload.length, NOTHING, ATTACKER));
    await until(() => here.service.inFlight() === 64);
    expect(await here.metric('body_bytes')).toBe(0);
    await expectRight(here);
  });

  it('are given up after the grace: 408', async () => {
    const here = await start({ bodyGraceMs: 200 });
    const [socket] = open(1, () => beginPost(here, here.upload.length, NOTHING));
    const text = await received(socket!);
    expect(text).toContain('HTTP/1.1 408 ');
    expect(text).toContain('urn:cipherconv:problem:too-slow');
    await until(() => here.service.inFlight() === 0);
    await expectRight(here);
  });
});

describe('slow bodies', () => {
  /** Sends the body in pieces of 100 bytes, one each `everyMs`. */
  async function trickle(here: Served, everyMs: number): Promise<string> {
    const [socket] = open(1, () => beginPost(here, here.upload.length, NOTHING));
    // Not until the connection closes: an end from this side would take the request back.
    const answer = firstBytes(socket!);
    for (let at = 0; at < here.upload.length && !socket!.destroyed; at += 100) {
      socket!.write(here.upload.subarray(at, at + 100));
      await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
    return await answer;
  }

  it('below the least rate end with 408, and give their bytes back', async () => {
    const here = await start({ bodyGraceMs: 100, leastBodyRate: 2000 });
    expect(await trickle(here, 200)).toContain('HTTP/1.1 408 ');
    await until(async () => (await here.metric('body_bytes')) === 0);
    await expectRight(here);
  });

  it('above it are taken, and so is any with the rate 0', async () => {
    const here = await start({ bodyGraceMs: 2000, leastBodyRate: 10 });
    expect(await trickle(here, 20)).toContain('HTTP/1.1 200 ');
    await here.close();
    const anyRate = await start({ bodyGraceMs: 10, leastBodyRate: 0 });
    expect(await trickle(anyRate, 20)).toContain('HTTP/1.1 200 ');
  });
});

describe('the memory for bodies and responses', () => {
  it('is charged as bodies come, and for the response when there is something to respond to', async () => {
    const here = await start();
    const half = here.upload.subarray(0, 100);
    open(1, () => beginPost(here, here.upload.length, half));
    await until(async () => (await here.metric('body_bytes')) > 0);
    expect(await here.metric('body_bytes')).toBeLessThanOrEqual(here.upload.length);
    const evaluating = here.post(withFault(here.upload, 'slow'));
    await until(() => here.service.pool.busy === 1);
    const { uploadBytes, responseBytes } = here.client;
    expect(await here.metric('body_bytes')).toBe(2 * uploadBytes + responseBytes);
    expect((await evaluating).status).toBe(200);
  });

  it('is not for one address alone: past its share 429 with Retry-After, others are served', async () => {
    const { uploadBytes, responseBytes } = (await start()).client;
    await served?.close();
    // Half of it holds one upload with its response, and half of another upload.
    const here = await start({ bodyMemoryBytes: 2 * (uploadBytes + responseBytes) + uploadBytes });
    open(3, () => beginPost(here, uploadBytes, here.upload.subarray(0, uploadBytes - 1), ATTACKER));
    await until(async () => (await here.metric('body_bytes')) >= uploadBytes);
    const refused = await here.post(here.upload, { localAddress: ATTACKER });
    expect(refused.json).toMatchObject({ status: 429, type: 'urn:cipherconv:problem:too-many-requests' });
    expect(Number(refused.headers['retry-after'])).toBeGreaterThanOrEqual(1);
    const answer = await here.post(here.upload);
    expect(here.client.decrypt(answer.body)).toEqual(convolve(plan.spec, here.input));
  });
});

describe('connections', () => {
  it('with half a head, more than there may be, keep nobody out', async () => {
    const here = await start({ connections: 40 });
    const half = 'GET /healthz HTTP/1.1\r\nHost: localh';
    const opened = open(100, () => begin(here.service.url, half, ATTACKER));
    // Of one address no more than half stay open.
    await until(() => opened.filter(({ closed }) => closed).length >= 80);
    await expectRight(here);
    open(60, () => begin(here.service.url, half, '127.0.0.3'));
    open(60, () => begin(here.service.url, half, '127.0.0.4'));
    await expectRight(here);
  });

  it('2,100 of them with the settings as they come', async () => {
    const here = await start();
    const opened = open(2100, () => begin(here.service.url, 'GET /', ATTACKER));
    await until(() => opened.every(({ connecting }) => !connecting));
    await expectRight(here);
  });

  it('whose request is being worked on are not ended for others', async () => {
    const here = await start({ connections: 4 });
    const evaluating = here.post(withFault(here.upload, 'slow'), { localAddress: ATTACKER });
    await until(() => here.service.pool.busy === 1);
    const opened = open(20, () => begin(here.service.url, 'GET /', ATTACKER));
    await until(() => opened.filter(({ closed }) => closed).length >= 19);
    expect((await evaluating).status).toBe(200);
    await expectRight(here);
  });
});

describe('pipelined requests', () => {
  const one = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n';
  const last = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n';
  const statuses = (text: string): string[] =>
    [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, code]) => code!);

  it('as many as may be are answered in order', async () => {
    const here = await start();
    const [socket] = open(1, () => begin(here.service.url, one.repeat(15) + last));
    expect(statuses(await received(socket!))).toEqual(new Array(16).fill('200'));
  });

  it('a thousand at once end the connection after some', async () => {
    const here = await start();
    const [socket] = open(1, () => begin(here.service.url, one.repeat(1000)));
    expect(statuses(await received(socket!))).toEqual([...new Array<string>(16).fill('200'), '429']);
    expect(await here.metric('requests_total{path="/healthz",status="200"}')).toBe(16);
    await expectRight(here);
  });
});

describe('the document of the interface', () => {
  it('is made once, and is under the rate as what it describes is', async () => {
    const here = await start({ rate: 2 });
    const answers = await Promise.all(Array.from({ length: 6 }, () => here.send('GET', '/openapi.json')));
    const good = answers.filter(({ status }) => status === 200);
    expect(good.length).toBeGreaterThanOrEqual(1);
    expect(answers.filter(({ status }) => status === 429).length).toBeGreaterThanOrEqual(1);
    for (const { body } of good) expect(body).toEqual(good[0]!.body);
  });
});
