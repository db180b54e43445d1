import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createFarm } from '../../../src/farm/index.ts';
import type { FarmOptions, FarmResult } from '../../../src/farm/index.ts';
import { simpleSpec } from '../../support/simple.ts';
import { testBatch } from './batch.ts';
import { startRedis } from './redisServer.ts';
import type { RedisServer } from './redisServer.ts';
import { startProgram } from './workers.ts';

const PASSWORD = 'not-to-be-printed';
const folder = mkdtempSync(join(tmpdir(), 'cipherconv-tls-'));
const file = (name: string): string => join(folder, name);
let server: RedisServer;

beforeAll(async () => {
  // An authority of our own, which is the server's certificate as well.
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost'],
      ...[
        '-addext',
        'subjectAltName=IP:127.0.0.1,DNS:localhost',
        '-keyout',
        file('key.pem'),
        '-out',
        file('ca.pem'),
      ],
    ],
    { stdio: 'ignore' },
  );
  server = await startRedis({
    portOption: '--tls-port',
    options: [
      ...[
        '--tls-cert-file',
        file('ca.pem'),
        '--tls-key-file',
        file('key.pem'),
        '--tls-ca-cert-file',
        file('ca.pem'),
      ],
      ...['--tls-auth-clients', 'no', '--requirepass', PASSWORD],
    ],
    look: { password: PASSWORD, tls: { ca: readFileSync(file('ca.pem'), 'utf8') } },
  });
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

const address = (password: string, host = '127.0.0.1'): string =>
  `rediss://:${password}@${host}:${server.port}`;

async function refusal(url: string, options: FarmOptions = {}): Promise<string> {
  try {
    await (await createFarm(url, options)).dispose();
  } catch (error) {
    expect(error).toMatchObject({ code: 'server' });
    return (error as Error).message;
  }
  throw new Error('expected a refusal');
}

describe('TLS and passwords', () => {
  it.each(['127.0.0.1', 'localhost'])('a batch over rediss:// with a password, at %s', async (host) => {
    const ca = readFileSync(file('ca.pem'), 'utf8');
    const farm = await createFarm(address(PASSWORD, host), { ca });
    const batch = await testBatch(simpleSpec(), 5, 5);
    const worker = await farm.work([batch.stored], { concurrency: 1 });
    const results: FarmResult[] = [];
    for await (const result of farm.submit(batch.client.plan, batch.inputs)) results.push(result);
    results.forEach(batch.check);
    expect(results).toHaveLength(5);
    expect(farm.redis).toBe(`rediss://${host}:${server.port}`);
    await worker.stop();
    await farm.dispose();
    batch.dispose();
  });

  it('the command line takes the certificate as an option or from the environment, the password from the environment', async () => {
    const environment = { REDIS_URL: address(PASSWORD) };
    for (const program of [
      startProgram(['farm', 'status', '--json', '--redis-ca', file('ca.pem')], environment),
      startProgram(['farm', 'status', '--json'], { ...environment, NODE_EXTRA_CA_CERTS: file('ca.pem') }),
    ]) {
      expect(await program.ended, program.said()).toBe(0);
      expect(program.printed() + program.said()).not.toContain(PASSWORD);
    }
    const wrong = startProgram([
      'farm',
      'status',
      '--json',
      '--debug',
      '--redis',
      address(`${PASSWORD}!`),
      '--redis-ca',
      file('ca.pem'),
    ]);
    expect(await wrong.ended).toBe(2);
    expect(wrong.said()).toMatch(/refuses the user name or password/);
    expect(wrong.printed() + wrong.said()).not.toContain(PASSWORD);
  });

  it('says what is wrong: the certificate, the password, no TLS where it is wanted', async () => {
    const ca = readFileSync(file('ca.pem'), 'utf8');
    expect(await refusal(address(PASSWORD))).toMatch(/certificate .* not trusted[^]*--redis-ca/);
    expect(await refusal(address('wrong'), { ca })).toMatch(/refuses the user name or password/);
    expect(await refusal(`rediss://127.0.0.1:${server.port}`, { ca })).toMatch(/wants a password/);
    expect(await refusal(`redis://:${PASSWORD}@127.0.0.1:${server.port}`)).toMatch(/TLS/);
    const plain = await startRedis();
    expect(await refusal(`rediss://127.0.0.1:${plain.port}`)).toMatch(/speaks no TLS|closed at once/);
    expect(await refusal(`${plain.url}/99`)).toMatch(/no such database/);
    await plain.stop();
  });
});

describe('what is no Redis', () => {
  const listen = async (onSocket: (socket: Socket) => void): Promise<{ server: Server; url: string }> => {
    const listening = createServer(onSocket).listen(0, '127.0.0.1');
    await once(listening, 'listening');
    return { server: listening, url: `redis://127.0.0.1:${(listening.address() as AddressInfo).port}` };
  };

  it.each([
    ['nothing listens', null, /connection refused/],
    [
      'a web server',
      (socket: Socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'),
      /no Redis|closed at once/,
    ],
    ['one that hangs up', (socket: Socket) => socket.destroy(), /closed at once/],
    ['one that says nothing', () => undefined, /does not answer as a Redis does/],
  ] as const)('%s: one clear refusal', async (_, onSocket, text) => {
    const sockets: Socket[] = [];
    const { server: other, url } = await listen((socket) => {
      sockets.push(socket);
      socket.on('error', () => undefined);
      onSocket?.(socket);
    });
    if (onSocket === null) other.close();
    expect(await refusal(url)).toMatch(text);
    for (const socket of sockets) socket.destroy();
    other.close();
  });

  it('a Redis that stays away for longer than the patience ends a batch', async () => {
    const away = await startRedis();
    const farm = await createFarm(away.url, { patienceMs: 1000 });
    const batch = await testBatch(simpleSpec(), 2, 2);
    const pending = farm.submit(batch.client.plan, batch.inputs).next();
    pending.catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 500));
    await away.kill();
    await expect(pending).rejects.toMatchObject({ code: 'server', details: { where: away.url } });
    await farm.dispose();
    batch.dispose();
    await away.stop();
  });
});
