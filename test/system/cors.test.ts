/** A page of another origin in a real browser asks a server: with `--cors` it gets integers, without it nothing. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import type { Browser } from 'playwright-core';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { convolve } from '../../runtime/clear/loops.ts';
import { importOnnx } from '../../src/frontend/onnx/importOnnx.ts';
import { encodeClientModel } from '../../src/model/clientModelFile.ts';
import { clientModelOf } from '../../src/model/clientModelOf.ts';
import { compileModelAsync } from '../../src/model/compileModel.ts';
import { runModel } from '../../src/model/runModel.ts';
import { serverModelOf } from '../../src/model/serverModel.ts';
import { toDoubles } from '../../src/model/typedTensor.ts';
import { modelToServe } from '../../src/server/models.ts';
import { startService } from '../../src/server/service.ts';
import { defaultSettings } from '../../src/server/settings.ts';
import { residualModel, sampleInput } from '../model/models.ts';
import { launchChromium, openWatched } from '../support/chromium.ts';
import { diagonals, square } from '../support/diagonals.ts';
import { serve } from '../support/served.ts';
import type { Served } from '../support/served.ts';

const root = join(import.meta.dirname, '..', '..');
/** Uploads evaluation keys with PUT and names them in a header of ours: all that a browser asks about beforehand. */
const plan = diagonals(square(2, 0));
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.wasm': 'application/wasm',
};
const MAIN = `
import { connect } from ${JSON.stringify(join(root, 'src', 'client', 'index.ts'))};
globalThis.infer = async (url, digest, shape, values) => {
  const remote = await connect(url, digest, { attempts: 1 });
  try {
    return [...(await remote.infer({ shape, data: Float64Array.from(values) })).data];
  } finally {
    remote.dispose();
  }
};
`;

let browser: Browser;
let pages: Server;
/** Where the page of the other origin lies: another port, and another site by its name. */
let origin: string;
let friendly: Served;
let closed: Served;
const ends: (() => void | Promise<void>)[] = [];

beforeAll(async () => {
  browser = await launchChromium();
  ends.push(() => browser.close());
  const folder = mkdtempSync(join(tmpdir(), 'cipherconv-cors-'));
  ends.push(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  writeFileSync(
    join(folder, 'index.html'),
    '<!doctype html><link rel="icon" href="data:,"><script type="module" src="./main.js"></script>',
  );
  writeFileSync(join(folder, 'main.js'), MAIN);
  const outDir = join(folder, 'built');
  await build({
    configFile: false,
    root: folder,
    base: './',
    logLevel: 'error',
    build: { outDir, target: 'es2022', assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  });
  pages = createServer(({ url = '/' }, reply) => {
    const path = new URL(url, 'http://x').pathname;
    const file = path === '/' ? '/index.html' : path;
    reply.setHeader('content-type', TYPES[extname(file)] ?? 'text/plain');
    reply.end(readFileSync(join(outDir, file)));
  });
  await new Promise<void>((resolve) => pages.listen(0, '127.0.0.1', resolve));
  ends.push(() => {
    pages.close();
  });
  origin = `http://localhost:${(pages.address() as AddressInfo).port}`;
  friendly = await serve(plan, { keysMemoryBytes: 2 ** 26, corsOrigins: [origin] });
  ends.push(() => friendly.close());
  closed = await serve(plan, { keysMemoryBytes: 2 ** 26 });
  ends.push(() => closed.close());
});

afterAll(async () => {
  for (const end of ends.toReversed()) await end();
});

interface Asked {
  /** What the page got, or what it was told. */
  readonly answer: number[] | string;
  readonly complaints: readonly string[];
}

/** The page of the other origin has an input evaluated by a server. */
async function ask({ service, digest, input }: Pick<Served, 'service' | 'digest' | 'input'>): Promise<Asked> {
  const watched = await openWatched(browser, `${origin}/`);
  const { page, complaints } = watched;
  try {
    await page.waitForFunction('globalThis.infer !== undefined');
    const call = [service.url, digest, input.shape, [...input.data]].map((part) => JSON.stringify(part));
    const answer = await page.evaluate<number[] | string>(
      `infer(${call.join(', ')}).catch((error) => String(error.message))`,
    );
    return { answer, complaints: [...complaints] };
  } finally {
    await watched.close();
  }
}

describe('a page of another origin', () => {
  it('that is allowed convolves, evaluation keys and all', async () => {
    const { answer, complaints } = await ask(friendly);
    expect(complaints).toEqual([]);
    expect(answer).toEqual([...convolve(plan.spec, friendly.input).data]);
    const requests = friendly.events.filter((event) => event.event === 'request');
    expect(requests.map(({ method, status }) => [method, status])).toEqual(
      expect.arrayContaining([
        ['OPTIONS', 204],
        ['PUT', 201],
        ['POST', 200],
      ]),
    );
  });

  it('that is not allowed gets nothing, and nothing is done for it', async () => {
    const { answer, complaints } = await ask(closed);
    expect(answer).toContain('the server does not answer');
    expect(complaints.join()).toContain('CORS');
    const requests = closed.events.filter((event) => event.event === 'request');
    expect(requests.length).toBeGreaterThan(0);
    for (const { status } of requests) expect(status).toBe(403);
  });

  it.each([true, false])(
    'runs a whole model where it is allowed (%s), equal, and nothing elsewhere',
    async (isAllowed) => {
      const model = await compileModelAsync(await importOnnx(residualModel()), {
        inferences: 2,
        protocol: 'hint',
      });
      const input = sampleInput();
      const { outputs } = await runModel(model, new Map([['x', input]]));
      const server = serverModelOf(model, null);
      const text = encodeClientModel(clientModelOf(model));
      const statuses: unknown[] = [];
      const settings = { ...defaultSettings(), port: 0, workers: 1, corsOrigins: isAllowed ? [origin] : [] };
      const service = await startService(
        [],
        settings,
        (_, event) => {
          if (event.event === 'request') statuses.push(event.status);
        },
        [modelToServe(server, text)],
      );
      try {
        const asked = { shape: input.shape, data: toDoubles(input, 'x') };
        const { answer, complaints } = await ask({ service, digest: server.digest, input: asked });
        if (isAllowed) {
          const [output] = outputs.values();
          // `connect` asks for a plan of this digest first.
          expect(complaints.filter((text) => !text.includes('404'))).toEqual([]);
          expect(answer).toEqual([...toDoubles(output!, 'y')]);
          expect(statuses.filter((status) => status === 200).length).toBeGreaterThan(3);
        } else {
          expect(answer).toContain('the server does not answer');
          expect(complaints.join()).toContain('CORS');
          expect(new Set(statuses)).toEqual(new Set([403]));
        }
      } finally {
        await service.stop();
      }
    },
  );

  it('cannot even load a script or picture of the server', async () => {
    const watched = await openWatched(browser, `${origin}/`);
    const load = (tag: string): Promise<string> =>
      watched.page.evaluate<string>(`new Promise((resolve) => {
        const element = document.createElement('${tag}');
        element.onload = () => resolve('loaded');
        element.onerror = () => resolve('refused');
        element.src = '${closed.service.url}/v1/plans';
        document.body.append(element);
      })`);
    expect([await load('script'), await load('img')]).toEqual(['refused', 'refused']);
    await watched.close();
  });
});
