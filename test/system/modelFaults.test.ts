/** A model between two processes, where the server, a worker or a connection dies on the way. */
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, connect as dial } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { join } from 'node:path';
import { connectModel, ServerError } from '../../src/client/index.ts';
import type { ConnectOptions, RemoteModel } from '../../src/client/index.ts';
import { parseServerModel } from '../../src/model/serverModel.ts';
import { cipherconv, temporaryFolder } from '../cli/spawnCli.ts';
import { residualModel } from '../model/models.ts';
import { servingProcess } from '../support/servingProcess.ts';
import type { ServingProcess } from '../support/servingProcess.ts';

const dataFolder = process.env['DATA_DIR'];
if (dataFolder === undefined) throw new Error('set DATA_DIR to the folder that holds onnx/');
const MODEL = join(dataFolder, 'onnx', 'zoo', 'zoo_qkeras_jettagging.onnx');
const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);

const input = {
  shape: [1, 16],
  data: Float64Array.from({ length: 16 }, (_, i) => Math.fround(Math.sin(i) * 2)),
};
let digest: string;
let expected: readonly number[];
let server: ServingProcess;
const ends: (() => unknown)[] = [];

beforeAll(() => {
  writeFileSync(at('other.onnx'), residualModel());
  for (const [name, file] of [
    ['net', MODEL],
    ['other', at('other.onnx')],
  ] as const)
    expect(
      cipherconv([
        '-q',
        'compile',
        '--protocol',
        'standard',
        file,
        '-o',
        at(`${name}.plan`),
        '--client-plan',
        at(`${name}.client`),
      ]).code,
    ).toBe(0);
  writeFileSync(at('x.json'), JSON.stringify({ shape: input.shape, data: [...input.data] }));
  expect(cipherconv(['-q', 'run', MODEL, '-i', at('x.json'), '-o', at('y.json')]).code).toBe(0);
  expected = (JSON.parse(readFileSync(at('y.json'), 'utf8')) as { data: number[] | number[][] }).data.flat();
  digest = parseServerModel(readFileSync(at('net.plan'), 'utf8'), 'net').digest;
});

afterEach(async () => {
  for (const end of ends.toReversed()) await end();
  ends.length = 0;
});

afterAll(() => server.kill());

async function start(name = 'net', port = 0): Promise<void> {
  server = await servingProcess([at(`${name}.plan`)], port);
  const started = server;
  ends.push(() => started.kill());
}

/** The same port again: nothing of the process before is left. */
async function restart(name = 'net'): Promise<void> {
  await start(name, Number(new URL(server.url).port));
}

/** What went to layers, by path; and what is done before the second layer's request goes out. */
interface Watch {
  readonly sent: Map<string, Uint8Array[]>;
  readonly fetch: NonNullable<ConnectOptions['fetch']>;
}

function watching(beforeSecond: (send: () => Promise<Response>) => Promise<Response>): Watch {
  const sent = new Map<string, Uint8Array[]>();
  let done = false;
  return {
    sent,
    fetch: async (url, init) => {
      const { pathname } = new URL(url);
      const send = (): Promise<Response> => fetch(url, init);
      if (!pathname.endsWith('/evaluate')) return send();
      sent.set(pathname, [...(sent.get(pathname) ?? []), (init.body as Uint8Array).slice()]);
      if (done || !pathname.endsWith('/layers/1/evaluate')) return send();
      done = true;
      return beforeSecond(send);
    },
  };
}

async function open(options: ConnectOptions, url = server.url): Promise<RemoteModel> {
  const remote = await connectModel(url, digest, options);
  ends.push(() => {
    remote.dispose();
  });
  return remote;
}

const inferred = async (remote: RemoteModel): Promise<number[]> => [...(await remote.infer(input)).data];

/** Every try of a layer sent the same bytes. */
function expectSameBytes({ sent }: Watch, tries: number): void {
  const ofSecond = sent.get(`/v1/models/${digest}/layers/1/evaluate`)!;
  expect(ofSecond.length).toBeGreaterThanOrEqual(tries);
  for (const bytes of ofSecond) expect(bytes).toEqual(ofSecond[0]);
}

/** Its children: the workers. */
function workersOf({ child }: ServingProcess): number[] {
  const { pid } = child;
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(/\s+/).map(Number);
}

/** A connection between client and server that can be cut. */
async function cuttable(cutAfter: (tunnel: { up: number; down: number }) => boolean): Promise<string> {
  const { port } = new URL(server.url);
  let isCut = false;
  const between: Server = createServer((near: Socket) => {
    const far = dial(Number(port), '127.0.0.1');
    const bytes = { up: 0, down: 0 };
    const pass = (from: Socket, to: Socket, way: 'up' | 'down'): void => {
      from.on('error', () => undefined).on('close', () => to.destroy());
      from.on('data', (chunk: Buffer) => {
        bytes[way] += chunk.length;
        if (!isCut && cutAfter(bytes)) {
          isCut = true;
          // Half of it still arrives.
          to.write(chunk.subarray(0, chunk.length >> 1), () => {
            near.destroy();
            far.destroy();
          });
          return;
        }
        to.write(chunk);
      });
    };
    pass(near, far, 'up');
    pass(far, near, 'down');
  });
  await new Promise<void>((resolve) => between.listen(0, '127.0.0.1', resolve));
  ends.push(() => between.close());
  return `http://127.0.0.1:${(between.address() as AddressInfo).port}`;
}

describe('the server killed between two layers', () => {
  it('and back with the same plan: the inference goes on with the same bytes', async () => {
    await start();
    const watch = watching(async (send) => {
      await server.kill();
      void restart();
      return send();
    });
    const remote = await open({ fetch: watch.fetch, attempts: 12, longestWaitMs: 2000 });
    expect(await inferred(remote)).toEqual(expected);
    expectSameBytes(watch, 2);
    expect([...watch.sent.values()].map(({ length }) => length).filter((count) => count > 1)).toHaveLength(1);
    expect(await inferred(remote)).toEqual(expected);
  });

  it('and not back: one clear error, and the next try is right when it is', async () => {
    await start();
    const watch = watching(async (send) => {
      await server.kill();
      return send();
    });
    const remote = await open({ fetch: watch.fetch, attempts: 2 });
    const failure: unknown = await inferred(remote).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ServerError);
    expect((failure as ServerError).message).toContain('the server does not answer');
    expect((failure as ServerError).message).toContain('/layers/1/evaluate');
    expectSameBytes(watch, 2);
    await restart();
    expect(await inferred(remote)).toEqual(expected);
  });

  it('and another plan is served in its place: told so, nothing wrong', async () => {
    await start();
    const watch = watching(async (send) => {
      await server.kill();
      await restart('other');
      return send();
    });
    const remote = await open({ fetch: watch.fetch });
    const failure: unknown = await inferred(remote).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ServerError);
    expect(failure).toMatchObject({ status: 404 });
    expect((failure as ServerError).problemType).toMatch(/:unknown-model$/);
    await expect(open({})).rejects.toThrow(/model/);
    await server.kill();
    await restart();
    expect(await inferred(remote)).toEqual(expected);
  });

  it('infer says the same, exit 2, and writes nothing', async () => {
    await start('other');
    const args = [
      '--plan',
      at('net.client'),
      '--server',
      server.url,
      '-i',
      at('x.json'),
      '-o',
      at('never.json'),
    ];
    const ended = cipherconv(['-q', 'infer', ...args]);
    expect(ended.code).toBe(2);
    expect(ended.stderr).toMatch(/status 404/);
    expect(() => readFileSync(at('never.json'))).toThrow(/ENOENT/);
  });
});

describe('a worker killed', () => {
  it('with a request on its way: the answer is right or an error, and the next is right', async () => {
    await start();
    const [worker] = workersOf(server);
    const watch = watching(async (send) => {
      const answer = send();
      process.kill(worker!, 'SIGKILL');
      return answer;
    });
    const remote = await open({ fetch: watch.fetch });
    const first: unknown = await inferred(remote).catch((error: unknown) => error);
    if (first instanceof ServerError) expect(first.message).toMatch(/status 50[03]/);
    else expect(first).toEqual(expected);
    expect(await inferred(remote)).toEqual(expected);
    expect(workersOf(server)).not.toContain(worker);
  });
});

describe('a connection cut', () => {
  it('in the middle of a request: the same bytes go again', async () => {
    await start();
    const sent: Uint8Array[] = [];
    const record: ConnectOptions['fetch'] = (url, init) => {
      if (url.endsWith('/layers/0/evaluate')) sent.push((init.body as Uint8Array).slice());
      return fetch(url, init);
    };
    const remote = await open({ fetch: record }, await cuttable(({ up }) => up > 4000));
    expect(await inferred(remote)).toEqual(expected);
    expect(sent).toHaveLength(2);
    expect(sent[1]).toEqual(sent[0]);
  });

  it('in the middle of an answer: an error, never half an answer; the next try is right', async () => {
    await start();
    const isAnswered = ({ up, down }: { up: number; down: number }): boolean => up > 7000 && down > 18_000;
    const remote = await open({}, await cuttable(isAnswered));
    const failure: unknown = await inferred(remote).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ServerError);
    expect((failure as ServerError).message).toContain('the answer broke off');
    expect(await inferred(remote)).toEqual(expected);
  });
});
