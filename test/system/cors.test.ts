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

/** The page of the other origin has a picture convolved by a server. */
async function ask({ service, digest, input }: Served): Promise<Asked> {
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
