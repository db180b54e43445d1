/** `cipherconv/client` as bundlers without settings take it, in a real browser under a strict policy. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { convolve } from '../../runtime/clear/loops.ts';
import { clientPlanOf, encodeClientPlan } from '../../src/frontend/clientPlan.ts';
import { parseFilterConfig } from '../../src/frontend/config.ts';
import { createPlanServer } from '../../src/server/planServer.ts';
import { bundleProgram, bundleWithVite, installBrowserBundle } from '../support/browserProgram.ts';
import { launchChromium, openWatched } from '../support/chromium.ts';
import { randomInput } from '../support/specs.ts';
import { grey } from './pagePlans.ts';

const POLICY = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'";
const ICON = '<link rel="icon" href="data:,">';

const scripts = new Map<string, string>();
let browser: Browser;
let pages: Server;
let origin: string;
const ends: (() => void | Promise<void>)[] = [];

beforeAll(async () => {
  browser = await launchChromium();
  ends.push(() => browser.close());
  const folder = mkdtempSync(join(tmpdir(), 'cipherconv-bundle-'));
  ends.push(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  await installBrowserBundle(folder);
  scripts.set('/esbuild.js', (await bundleProgram(folder)).code);
  scripts.set('/vite.js', await bundleWithVite(folder));
  pages = createServer(({ url = '/' }, reply) => {
    const script = scripts.get(url);
    reply.setHeader('content-type', script === undefined ? 'text/html' : 'text/javascript');
    reply.setHeader('content-security-policy', `${POLICY}; img-src data:`);
    reply.end(script ?? `<!doctype html>${ICON}<script type="module" src="${url}.js"></script>`);
  });
  await new Promise<void>((resolve) => pages.listen(0, '127.0.0.1', resolve));
  ends.push(() => {
    pages.close();
  });
  origin = `http://127.0.0.1:${(pages.address() as AddressInfo).port}`;
});

afterAll(async () => {
  for (const end of ends.toReversed()) await end();
});

describe('cipherconv/client in a browser', () => {
  it.each(['esbuild', 'vite'])('as %s bundles it: a picture goes in, integers come out', async (bundler) => {
    const { stored } = grey;
    const { spec } = parseFilterConfig(grey.configText);
    const input = randomInput(spec, 7);
    const server = await createPlanServer(stored);
    const watched = await openWatched(browser, `${origin}/${bundler}`);
    try {
      const evaluate = (upload: string): string =>
        Buffer.from(server.evaluate(Buffer.from(upload, 'base64'))).toString('base64');
      await watched.page.exposeFunction('evaluateThere', evaluate);
      const asked = JSON.stringify([encodeClientPlan(clientPlanOf(stored)), input.shape, [...input.data]]);
      const output = await watched.page.evaluate<number[]>(`(() => {
        const bytesOf = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
        const textOf = (bytes) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
        const evaluate = async (upload) => bytesOf(await evaluateThere(textOf(upload)));
        return infer(...${asked}, evaluate);
      })()`);
      expect(output).toEqual([...convolve(spec, input).data]);
      const outside = watched.requests.filter((url) => !/^(blob|data):/.test(url));
      expect(outside).toEqual([`${origin}/${bundler}`, `${origin}/${bundler}.js`]);
      expect(watched.complaints).toEqual([]);
    } finally {
      server.dispose();
      await watched.close();
    }
  });
});
