import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { compileSpec } from '../../compiler/lowerings/compile.ts';
import { convolve } from '../../runtime/clear/loops.ts';
import { withFault } from '../support/faults.ts';
import type { Fault } from '../support/faults.ts';
import { beginPost, received } from '../support/rawSockets.ts';
import { FAULTY_WORKER, serve, until } from '../support/served.ts';
import type { Served } from '../support/served.ts';
import { simpleSpec } from '../support/simple.ts';

/** Uploads end in a seed, which tests rely on. */
const plan = compileSpec(simpleSpec(), { upload: 'seeded' });
let served: Served | null = null;

afterEach(async () => {
  await served?.close();
  served = null;
});

async function start(settings: Parameters<typeof serve>[1] = {}): Promise<Served> {
  served = await serve(plan, { workerFile: FAULTY_WORKER, ...settings });
  return served;
}

/** After whatever happened, an honest request is answered right. */
async function expectRight({ post, upload, client, input }: Served): Promise<void> {
  const answer = await post(upload);
  expect(answer.status).toBe(200);
  expect(client.decrypt(answer.body)).toEqual(convolve(plan.spec, input));
}

function retired({ events }: Served): string[] {
  return events.flatMap((event) => (event.event === 'worker-retired' ? [event.reason] : []));
}

describe('a worker that is lost', () => {
  it('killed from outside during a request: another worker answers it, and the next one', async () => {
    const here = await start();
    const answer = here.post(withFault(here.upload, 'slow'));
    await until(() => here.service.pool.processIds('busy').length === 1);
    process.kill(here.service.pool.processIds('busy')[0]!, 'SIGKILL');
    expect((await answer).status).toBe(200);
    await expectRight(here);
    expect(retired(here)).toEqual(['lost']);
  });

  it('killed while idle: nobody notices', async () => {
    const here = await start();
    await until(() => here.service.pool.ready === 2);
    process.kill(here.service.pool.processIds('idle')[0]!, 'SIGKILL');
    await expectRight(here);
    await until(() => here.service.pool.ready === 2);
  });

  it('ends by itself, and so does the next one: 503, to be sent again', async () => {
    const here = await start();
    const { status, json, headers } = await here.post(withFault(here.upload, 'exit'));
    expect(status).toBe(503);
    expect(json).toMatchObject({ type: 'urn:cipherconv:problem:worker-lost' });
    expect(headers['retry-after']).toBe('1');
    await expectRight(here);
    expect(retired(here)).toEqual(['lost', 'lost']);
  });

  it('requests that wait meanwhile are not lost', async () => {
    const here = await start();
    const bad = here.post(withFault(here.upload, 'exit'));
    const good = Array.from({ length: 4 }, () => here.post(here.upload));
    expect((await bad).status).toBe(503);
    for (const answer of await Promise.all(good)) {
      expect(answer.status).toBe(200);
      expect(here.client.decrypt(answer.body)).toEqual(convolve(plan.spec, here.input));
    }
  });
});

describe('a worker that fails', () => {
  it.each<[Fault, string]>([
    ['seal', 'seal'],
    ['throw', 'internal'],
    ['wasm', 'memory'],
  ])('%s: 500, the worker is replaced, and the next request is right', async (fault, reason) => {
    const here = await start();
    const answer = await here.post(withFault(here.upload, fault));
    expect(answer.status).toBe(500);
    expect(answer.json).toMatchObject({ type: 'urn:cipherconv:problem:evaluation-failed' });
    await until(() => retired(here).length === 1);
    expect(retired(here)).toEqual([reason]);
    expect(await here.metric('seal_exceptions_total')).toBe(reason === 'seal' ? 1 : 0);
    await expectRight(here);
  });

  it.each<Fault>(['buffers', 'heap'])('memory cap hit by %s: ended before it holds more', async (fault) => {
    const here = await start();
    const answer = await here.post(withFault(here.upload, fault));
    expect([500, 503]).toContain(answer.status);
    // V8 ends a process whose JavaScript heap is full by itself, so that the request is tried twice; all else is ended
    // by the watch.
    const expected = fault === 'heap' ? ['lost', 'lost'] : ['memory'];
    await until(() => retired(here).length === expected.length);
    expect(retired(here)).toEqual(expected);
    await expectRight(here);
  });

  it('deadline hit: 504, the worker is killed, and the next request is right', async () => {
    const here = await start({ deadlineMs: 3000 });
    await until(() => here.service.pool.ready === 2);
    const answer = await here.post(withFault(here.upload, 'hang'));
    expect(answer.status).toBe(504);
    expect(answer.json).toMatchObject({ type: 'urn:cipherconv:problem:deadline' });
    expect(retired(here)).toEqual(['deadline']);
    await expectRight(here);
  });

  it('deadline hit while waiting for a worker: 504, and only the worker that was late is ended', async () => {
    const here = await start({ deadlineMs: 6000 });
    await until(() => here.service.pool.ready === 2);
    // The first takes 4000 ms, the second is late in the middle, the third before it has begun.
    const slow = withFault(here.upload, 'slower');
    const answers = await Promise.all([here.post(slow), here.post(slow), here.post(slow)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 504, 504]);
    await until(() => here.service.pool.ready === 2);
    await expectRight(here);
    expect(retired(here)).toEqual(['deadline']);
  });
});

describe('plans that do not fit', () => {
  it('into the memory of a worker: the server does not start, and says what to do', async () => {
    const starting = serve(plan, { memoryBytes: 32 * 2 ** 20 });
    await expect(starting).rejects.toMatchObject({ code: 'usage' });
    await expect(starting).rejects.toThrow('--memory');
  });
});

describe('a client that goes away', () => {
  it('while its request is evaluated: the evaluation is ended', async () => {
    const here = await start();
    const controller = new AbortController();
    const answer = here.post(withFault(here.upload, 'hang'), { signal: controller.signal });
    await until(() => here.service.pool.busy === 1);
    controller.abort();
    await expect(answer).rejects.toThrow();
    await until(() => retired(here).length === 1);
    expect(retired(here)).toEqual(['abandoned']);
    await expectRight(here);
  });

  it('while its request waits: it leaves the queue, no worker is harmed', async () => {
    const here = await start();
    const slow = here.post(withFault(here.upload, 'slow'));
    await until(() => here.service.pool.busy === 1);
    const controller = new AbortController();
    const waiting = here.post(withFault(here.upload, 'hang'), { signal: controller.signal });
    await until(() => here.service.pool.waiting === 1);
    controller.abort();
    await expect(waiting).rejects.toThrow();
    await until(() => here.service.pool.waiting === 0);
    expect((await slow).status).toBe(200);
    await expectRight(here);
    expect(retired(here)).toEqual([]);
  });

  it('in the middle of its upload: nothing reaches a worker', async () => {
    const here = await start();
    const socket = beginPost(here, here.upload.length, here.upload.subarray(0, 100));
    await until(() => here.service.inFlight() === 1);
    socket.destroy();
    await until(() => here.service.inFlight() === 0);
    expect(here.events.findLast(({ event }) => event === 'request')).toMatchObject({ status: 499 });
    expect(await here.metric('body_bytes')).toBe(0);
    await expectRight(here);
  });

  it('after half of its upload, closing its side: 400', async () => {
    const here = await start();
    const socket = beginPost(here, here.upload.length, here.upload.subarray(0, 100));
    const text = received(socket);
    socket.end();
    expect(await text).toContain('400 Bad Request');
    await expectRight(here);
  });
});

describe('slow and broken senders', () => {
  it('a body that does not come is given up, and gives its bytes back', async () => {
    const here = await start({ headersTimeoutMs: 1000, requestTimeoutMs: 2000 });
    const text = received(beginPost(here, here.upload.length, here.upload.subarray(0, 100)));
    expect(await text).toContain('408 Request Timeout');
    await until(() => here.service.inFlight() === 0);
    expect(await here.metric('body_bytes')).toBe(0);
    await expectRight(here);
  });

  it('a response that nobody fetches is given up, and gives its bytes back', async () => {
    const filters = 640;
    const large = compileSpec(
      simpleSpec({
        input: { height: 64, width: 64 },
        weights: {
          outChannels: filters,
          values: Array.from({ length: 9 * filters }, (_, index) => index % 4),
        },
      }),
    );
    served = await serve(large, { requestTimeoutMs: 5000, headersTimeoutMs: 1000 });
    const here = served;
    expect(here.client.responseBytes).toBeGreaterThan(5 * 2 ** 20);
    const sockets = Array.from({ length: 2 }, () => {
      const socket = beginPost(here, here.upload.length, here.upload);
      socket.pause();
      return socket;
    });
    await until(async () => (await here.metric('evaluation_seconds_count')) === sockets.length);
    expect(await here.metric('body_bytes')).toBeGreaterThan(0);
    await until(async () => (await here.metric('body_bytes')) === 0);
    for (const socket of sockets) socket.destroy();
    const answer = await here.post(here.upload);
    expect(here.client.decrypt(answer.body)).toEqual(convolve(large.spec, here.input));
  });

  it('a head that does not come is given up', async () => {
    const here = await start({ headersTimeoutMs: 1000, requestTimeoutMs: 2000 });
    const socket = connect(Number(new URL(here.service.url).port), '127.0.0.1');
    const text = received(socket);
    socket.write('POST /v1/plans HTTP/1.1\r\nHost: 127.0.0.1\r\n');
    expect(await text).toContain('408 Request Timeout');
    await expectRight(here);
  });

  it('what is not HTTP as it should be is refused as the fault of the client', async () => {
    const here = await start();
    const wrong: Record<string, string> = {
      'not HTTP': '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n',
      'two lengths':
        'POST /v1/plans HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello',
      'length and chunks':
        'POST /v1/plans HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      'a negative length': 'POST /v1/plans HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -5\r\n\r\n',
      'a long head': `GET /v1/plans HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`,
      'no host': 'GET /v1/plans HTTP/1.1\r\n\r\n',
    };
    for (const [name, bytes] of Object.entries(wrong)) {
      const socket = connect(Number(new URL(here.service.url).port), '127.0.0.1');
      const text = received(socket);
      socket.end(Buffer.from(bytes, 'latin1'));
      expect(await text, name).toMatch(/^HTTP\/1\.1 4\d\d /);
    }
    await expectRight(here);
  });
});
