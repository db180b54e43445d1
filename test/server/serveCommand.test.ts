import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { compileSpec } from '../../compiler/lowerings/compile.ts';
import { convolve } from '../../runtime/clear/loops.ts';
import { connect, createPlanClient, parseClientPlan } from '../../src/client/index.ts';
import { encodePlan, storedPlan } from '../../src/frontend/planFile.ts';
import { describePlan } from '../../src/server/planServer.ts';
import { cipherconv, ROOT, temporaryFolder } from '../cli/spawnCli.ts';
import { diagonals, square } from '../support/diagonals.ts';
import { OCTETS, sendTo, until } from '../support/served.ts';
import { simpleSpec } from '../support/simple.ts';
import { randomInput } from '../support/specs.ts';

const folder = temporaryFolder();
const planFile = join(folder, 'plan.json');
/** Large enough to be still under way when the signal comes. */
const largeFile = join(folder, 'large.json');
const plan = compileSpec(simpleSpec());
const large = compileSpec(
  simpleSpec({
    input: { channels: 16, height: 64, width: 64, bits: 4 },
    weights: {
      outChannels: 64,
      channelsPerGroup: 16,
      signed: true,
      bits: 4,
      values: Array.from({ length: 64 * 16 * 9 }, (_, index) => ((index * 7) % 16) - 8),
    },
  }),
  { kernel: 'ntt' },
);

beforeAll(() => {
  writeFileSync(planFile, encodePlan(storedPlan(plan, 'NCHW')));
  writeFileSync(largeFile, encodePlan(storedPlan(large, 'NCHW')));
});

interface Running {
  readonly child: ChildProcess;
  readonly url: string;
  readonly ended: Promise<{ code: number | null; signal: string | null }>;
  readonly stderr: () => string;
}

let running: Running | null = null;

afterEach(() => {
  running?.child.kill('SIGKILL');
  running = null;
});

/** Starts the command and waits for its address on stderr. */
async function start(...args: string[]): Promise<Running> {
  const bin = join(ROOT, 'src', 'cli', 'bin.ts');
  const child = spawn(process.execPath, [bin, 'serve', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let stderr = '';
  child.stderr.on('data', (chunk: Uint8Array) => (stderr += Buffer.from(chunk).toString()));
  let isClosed = false;
  // Closed, not only ended: what it wrote last may come after its end.
  const ended = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
    child.on('close', (code, signal) => {
      isClosed = true;
      resolve({ code, signal });
    });
  });
  const address = (): string | undefined => /(?:listening on |"url":")(http:[^"\s]+)/.exec(stderr)?.[1];
  await until(() => address() !== undefined || isClosed);
  const url = address();
  if (url === undefined) throw new Error(stderr);
  running = { child, url, ended, stderr: () => stderr };
  return running;
}

function logged(stderr: string): Record<string, unknown>[] {
  const lines = stderr.split('\n').filter((line) => line.startsWith('{'));
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe('cipherconv serve', () => {
  it('says where it listens and which plans it serves, and convolves for a client', async () => {
    const { digest } = storedPlan(plan, 'NCHW');
    const { url, stderr } = await start(planFile, '--port', '0');
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(stderr()).toContain(`serving simple: ${digest}`);
    const remote = await connect(url, digest);
    const input = randomInput(plan.spec, 4);
    expect(await remote.infer(input)).toEqual(convolve(plan.spec, input));
    remote.dispose();
    await until(() => stderr().includes('"event":"request"'));
    const requests = logged(stderr()).filter(({ event }) => event === 'request');
    expect(requests.map(({ path, status }) => [path, status])).toEqual([
      ['/v1/plans/{digest}', 200],
      ['/v1/plans/{digest}/evaluate', 200],
    ]);
  });

  it('takes the hosts and origins that it is told, each option as often as wanted', async () => {
    const names = ['a.example', 'B.example'].flatMap((name) => ['--allowed-host', name]);
    const { url } = await start(
      planFile,
      '--port',
      '0',
      ...names,
      '--cors',
      'https://c.example',
      '--cors',
      'http://d.example:81/',
    );
    const get = (headers: Record<string, string>): ReturnType<typeof sendTo> =>
      sendTo(`${url}/v1/plans`, 'GET', { headers });
    for (const host of ['a.example', 'b.example', 'localhost'])
      expect((await get({ host })).status).toBe(200);
    expect((await get({ host: 'c.example' })).status).toBe(403);
    for (const origin of ['https://c.example', 'http://d.example:81']) {
      expect((await get({ origin })).headers['access-control-allow-origin']).toBe(origin);
    }
    expect((await get({ origin: 'http://d.example' })).status).toBe(403);
  });

  it('SIGTERM: finishes what is in flight, refuses what is new, exits with 0', async () => {
    const stored = storedPlan(large, 'NCHW');
    const { child, url, ended, stderr } = await start(largeFile, '--port', '0', '--workers', '1');
    const client = await createPlanClient(parseClientPlan(describePlan(stored).clientPlanText, 'plan'));
    const input = randomInput(large.spec, 4);
    const upload = client.encrypt(input);
    const path = `${url}/v1/plans/${stored.digest}/evaluate`;
    const answers = Array.from({ length: 8 }, () => sendTo(path, 'POST', { body: upload, headers: OCTETS }));
    await until(async () => {
      const text = Buffer.from((await sendTo(`${url}/metrics`, 'GET')).body).toString();
      return Number(/^cipherconv_queue_length (\d+)$/m.exec(text)?.[1]) >= 3;
    });
    child.kill('SIGTERM');
    await until(() => stderr().includes('"event":"shutdown"'));
    await expect(sendTo(`${url}/healthz`, 'GET')).rejects.toThrow('ECONNREFUSED');
    const expected = convolve(large.spec, input);
    for (const answer of await Promise.all(answers)) {
      expect(answer.status).toBe(200);
      expect(answer.headers.connection).toBe('close');
      expect(client.decrypt(answer.body)).toEqual(expected);
    }
    client.dispose();
    expect(await ended).toEqual({ code: 0, signal: null });
    expect(logged(stderr()).at(-1)).toMatchObject({ event: 'stopped' });
  });

  it('SIGINT: the same, exit code 130', async () => {
    const { child, ended } = await start(planFile, '--port', '0');
    child.kill('SIGINT');
    expect(await ended).toEqual({ code: 130, signal: null });
  });

  it('--quiet says only where it listens', async () => {
    const { url, stderr, child, ended } = await start(planFile, '--port', '0', '--quiet');
    await sendTo(`${url}/healthz`, 'GET');
    child.kill('SIGTERM');
    await ended;
    expect(logged(stderr()).map(({ event }) => event)).toEqual(['listening']);
  });
});

describe('cipherconv serve refuses, with exit code 2', () => {
  function expectRefusal(args: readonly string[], ...parts: string[]): void {
    const { code, stderr, stdout } = cipherconv(['serve', ...args]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    for (const part of parts) expect(stderr).toContain(part);
    expect(stderr).not.toContain('listening');
  }

  it('a port in use', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const { port } = taken.address() as AddressInfo;
    // Asynchronously: spawnSync would keep this process from holding the port.
    await expect(start(planFile, '--port', String(port))).rejects.toThrow(
      `127.0.0.1:${port}: the port is in use`,
    );
    await new Promise((resolve) => taken.close(resolve));
  });

  it('a corrupt plan, naming the file', () => {
    const text = encodePlan(storedPlan(plan, 'NCHW'));
    const corrupt = join(folder, 'corrupt.json');
    writeFileSync(
      corrupt,
      text.replace('"values": [1,', '"values": [2,').replace('"values":[1,', '"values":[2,'),
    );
    expectRefusal([planFile, corrupt, '--port', '0'], 'corrupt.json', 'digest');
    writeFileSync(corrupt, text.slice(0, 500));
    expectRefusal([corrupt, '--port', '0'], 'corrupt.json');
    expectRefusal([join(folder, 'missing.json')], 'missing.json', 'no such file');
  });

  it('a plan that does not compute its convolution, though its digest is right', () => {
    const { windows } = plan;
    const forged = { ...plan, windows: { ...windows, low: windows.low.map((low) => low + 1) } };
    const file = join(folder, 'forged.json');
    writeFileSync(file, encodePlan(storedPlan(forged, 'NCHW')));
    expectRefusal([file, '--port', '0'], 'forged.json', 'does not compute its convolution');
  });

  it('a diagonals plan without --evaluation-keys-memory', () => {
    const file = join(folder, 'diagonals.json');
    writeFileSync(file, encodePlan(storedPlan(diagonals(square(2, 0)), 'NCHW')));
    expectRefusal([file, '--port', '0'], 'needs evaluation keys', '--evaluation-keys-memory');
  });

  it('the same plan twice, a config instead of a plan, no plan, bad options', () => {
    expectRefusal([planFile, planFile], 'given before');
    expectRefusal([join(ROOT, 'examples', '1-gaussian', 'gaussian.conv.json')], 'gaussian.conv.json');
    expectRefusal([], "missing required argument 'plans'");
    expectRefusal([planFile, '--port', '70000'], '--port');
    expectRefusal([planFile, '--workers', '0'], '--workers');
    expectRefusal([planFile, '--deadline', '0'], '--deadline');
    expectRefusal([planFile, '--rate', '-1'], '--rate');
    expectRefusal([planFile, '--memory', '10'], '--memory');
    expectRefusal([planFile, '--address-share', '0'], '--address-share');
    expectRefusal([planFile, '--min-body-rate', '-1'], '--min-body-rate');
    expectRefusal([planFile, '--allowed-host', 'https://example.org'], '--allowed-host', 'without scheme');
    for (const origin of ['example.org', '*', 'null', 'https://example.org/page', 'ftp://example.org'])
      expectRefusal([planFile, '--cors', origin], '--cors', 'scheme, host and port');
  });

  it('an address that is not of this machine', () => {
    expectRefusal([planFile, '--host', '192.0.2.1', '--port', '0'], '192.0.2.1');
  });
});
