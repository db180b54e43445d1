import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';

/** Debian's redis-server, started by the tests on a free port and ended by its process id. */

const PROGRAM = process.env['REDIS_SERVER'] ?? '/usr/bin/redis-server';

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

export interface RedisServer {
  readonly port: number;
  readonly url: string;
  /** Another client, to look with. Ended with the server. */
  readonly look: Redis;
  /** SIGKILL, as when the machine loses its power. */
  readonly kill: () => Promise<void>;
  /** On the same port and files. */
  readonly start: () => Promise<void>;
  /** Its files. */
  readonly folder: string;
  readonly stop: () => Promise<void>;
}

export interface RedisServerOptions {
  /** Options of redis-server, besides those of the port and the files. */
  readonly options?: readonly string[];
  /** In place of `--port`, for TLS. */
  readonly portOption?: '--port' | '--tls-port';
  /** Of the client to look with. */
  readonly look?: { readonly password?: string; readonly tls?: { readonly ca: string } };
}

/** Starts a server whose files are in a folder of its own. */
export async function startRedis({
  options = [],
  portOption = '--port',
  look: lookOptions = {},
}: RedisServerOptions = {}): Promise<RedisServer> {
  if (!existsSync(PROGRAM))
    throw new Error(`no ${PROGRAM}: apt-get install redis-server, or REDIS_SERVER names it`);
  const folder = mkdtempSync(join(tmpdir(), 'cipherconv-redis-'));
  const port = await freePort();
  let child: ChildProcess | null = null;
  const start = async (): Promise<void> => {
    const common = ['--bind', '127.0.0.1', '--dir', folder, '--save', '', '--daemonize', 'no'];
    const ports =
      portOption === '--port' ? ['--port', String(port)] : ['--port', '0', '--tls-port', String(port)];
    child = spawn(PROGRAM, [...ports, ...common, ...options], { stdio: ['ignore', 'pipe', 'inherit'] });
    const started = child;
    await new Promise<void>((resolve, reject) => {
      let text = '';
      started.stdout?.on('data', (chunk: Buffer) => {
        text += chunk.toString();
        if (text.includes('Ready to accept connections')) resolve();
      });
      started.once('exit', (code) => {
        reject(new Error(`redis-server ended with ${code}: ${text}`));
      });
    });
  };
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child?.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  };
  await start();
  const look = new Redis({
    host: '127.0.0.1',
    port,
    ...lookOptions,
    lazyConnect: true,
    maxRetriesPerRequest: null,
  });
  look.on('error', () => undefined);
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    look,
    start,
    folder,
    kill: () => end('SIGKILL'),
    stop: async () => {
      look.disconnect();
      await end('SIGTERM');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
