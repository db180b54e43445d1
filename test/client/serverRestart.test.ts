import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { endpointOf } from '../../src/client/endpoint.ts';
import type { Endpoint, EndpointOptions } from '../../src/client/endpoint.ts';
import { ServerError } from '../../src/client/request.ts';
import type { Fetch, Timer } from '../../src/client/index.ts';

/** Time that only waits take. */
class FakeTimer implements Timer {
  passedMs = 0;
  readonly waits: number[] = [];
  readonly #before: (wait: number) => unknown;

  constructor(before: (wait: number) => unknown = () => undefined) {
    this.#before = before;
  }

  now(): number {
    return this.passedMs;
  }

  async sleep(milliseconds: number, signal: AbortSignal | null): Promise<void> {
    this.passedMs += milliseconds;
    this.waits.push(milliseconds);
    await this.#before(this.waits.length);
    signal?.throwIfAborted();
  }
}

const body = Uint8Array.of(1, 2, 3);

function post(endpoint: Endpoint, signal: AbortSignal | null = null): Promise<Uint8Array> {
  return endpoint.send({ method: 'POST', path: '/evaluate', headers: {}, body, limitBytes: 100, signal });
}

const failed = (code: string): TypeError =>
  new TypeError('fetch failed', { cause: Object.assign(new Error(`connect ${code}`), { code }) });

/** A server that answers, then fails `failures` times with `error`, and answers again. */
function restarting(failures: number, error: () => Error): { fetch: Fetch; bodies: unknown[] } {
  const bodies: unknown[] = [];
  const fetch: Fetch = (_, init) => {
    bodies.push(init.body);
    const isDown = bodies.length > 1 && bodies.length <= 1 + failures;
    return isDown ? Promise.reject(error()) : Promise.resolve(new Response(Uint8Array.of(7)));
  };
  return { fetch, bodies };
}

function endpoint(options: EndpointOptions): Endpoint {
  return endpointOf('http://127.0.0.1:9', 'v1/plans/x', options);
}

describe('a server that has answered and restarts', () => {
  it.each([
    ['connections refused', () => failed('ECONNREFUSED')],
    ['connections reset', () => failed('ECONNRESET')],
    ['sockets closed', () => failed('UND_ERR_SOCKET')],
    ['what browsers say of them', () => new TypeError('Failed to fetch')],
  ])('is waited for: %s', async (_, error) => {
    const { fetch, bodies } = restarting(9, error);
    const timer = new FakeTimer();
    let told = 0;
    const at = endpoint({ fetch, timer, onUnanswered: () => told++ });
    await post(at);
    expect(await post(at)).toEqual(Uint8Array.of(7));
    expect(bodies).toHaveLength(11);
    for (const sent of bodies) expect(sent).toBe(body);
    expect(told).toBe(1);
    // Growing, and never longer than a few seconds.
    expect(timer.waits[4]).toBeGreaterThan(timer.waits[0]! * 4);
    expect(Math.max(...timer.waits)).toBeLessThanOrEqual(4000);
    expect(timer.passedMs).toBeGreaterThan(5000);
  });

  it('is told of again at its next restart', async () => {
    let tries = 0;
    let told = 0;
    const fetch: Fetch = () =>
      tries++ % 3 === 0 ? Promise.resolve(new Response()) : Promise.reject(failed('ECONNREFUSED'));
    const at = endpoint({ fetch, timer: new FakeTimer(), onUnanswered: () => told++ });
    for (let request = 0; request < 3; request++) await post(at);
    expect(told).toBe(2);
  });

  it('and does not come back: after 30 s one clear error', async () => {
    const { fetch, bodies } = restarting(Infinity, () => failed('ECONNREFUSED'));
    const timer = new FakeTimer();
    const at = endpoint({ fetch, timer });
    await post(at);
    const failure: unknown = await post(at).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ServerError);
    expect(failure).toMatchObject({
      details: {
        message: 'the server does not answer',
        found: 'connect ECONNREFUSED',
        expected: `an answer, as before; tried ${bodies.length - 1} times in 30 s`,
      },
    });
    expect(timer.passedMs).toBeCloseTo(30_000, 6);
  });

  it('ends at once when the signal aborts, on the real clock too', async () => {
    const stop = new AbortController();
    const { fetch } = restarting(Infinity, () => failed('ECONNREFUSED'));
    const at = endpoint({
      fetch,
      onUnanswered: () =>
        setImmediate(() => {
          stop.abort(new Error('enough'));
        }),
    });
    await post(at);
    await expect(post(at, stop.signal)).rejects.toThrow('enough');
  });

  it('is tried `attempts` times where those are given, and as long as `patienceMs` says', async () => {
    const tries = async (options: EndpointOptions): Promise<number> => {
      const { fetch, bodies } = restarting(Infinity, () => failed('ECONNREFUSED'));
      const at = endpoint({ fetch, timer: new FakeTimer(), ...options });
      await post(at);
      await expect(post(at)).rejects.toThrow('the server does not answer');
      return bodies.length - 1;
    };
    expect(await tries({ attempts: 2 })).toBe(2);
    expect(await tries({ patienceMs: 0 })).toBe(4);
    expect(await tries({ attempts: 2, patienceMs: 10_000 })).toBeGreaterThan(5);
  });

  it.each([
    ['a redirect', () => new TypeError('fetch failed', { cause: new Error('unexpected redirect') })],
    ['a certificate', () => failed('CERT_HAS_EXPIRED')],
  ])('is not waited for because of %s', async (_, error) => {
    const { fetch, bodies } = restarting(Infinity, error);
    const timer = new FakeTimer();
    const at = endpoint({ fetch, timer });
    await post(at);
    await expect(post(at)).rejects.toThrow('the server does not answer');
    expect(bodies).toHaveLength(5);
    expect(timer.passedMs).toBeLessThan(2000);
  });

  it('over real sockets: closed, and back at the same port', async () => {
    const open = async (port: number): Promise<Server> => {
      const server = createServer((request, reply) => {
        request.resume().on('end', () => reply.end('!'));
      });
      await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
      return server;
    };
    const close = async (server: Server): Promise<void> => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    };
    let server = await open(0);
    const { port } = server.address() as AddressInfo;
    const timer = new FakeTimer(async (wait) => {
      if (wait === 7) server = await open(port);
    });
    const at = endpointOf(`http://127.0.0.1:${port}`, 'v1', { timer });
    await post(at);
    await close(server);
    try {
      expect(await post(at)).toEqual(Uint8Array.of(0x21));
      expect(timer.waits).toHaveLength(7);
    } finally {
      await close(server);
    }
  });
});

describe('a server that never answered', () => {
  it('fails quickly, as before', async () => {
    let tries = 0;
    let told = 0;
    const fetch: Fetch = () => {
      tries++;
      return Promise.reject(failed('ECONNREFUSED'));
    };
    const timer = new FakeTimer();
    await expect(post(endpoint({ fetch, timer, onUnanswered: () => told++ }))).rejects.toThrow(
      'the server does not answer',
    );
    expect([tries, told]).toEqual([4, 0]);
    expect(timer.passedMs).toBeLessThan(2000);
  });
});
