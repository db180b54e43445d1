/**
 * The program of docs/tutorials/serve.md in a page of another origin, in a real browser, against the server that the
 * tutorial starts.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { build } from 'vite';
import { afterAll, expect, it } from 'vitest';
import { convolve } from '../../runtime/clear/loops.ts';
import { parseFilterConfig } from '../../src/frontend/config.ts';
import { BIN, ROOT, temporaryFolder } from '../cli/spawnCli.ts';
import { prepare, runLine } from '../docs/sandbox.ts';
import { launchChromium, openWatched } from '../support/chromium.ts';
import { chunksOf, typedLines } from '../support/markdown.ts';
import { randomInput } from '../support/specs.ts';

const folder = temporaryFolder();
const blocks = chunksOf('docs/tutorials/serve.md').filter(({ language }) => language !== null);
const TYPES = { html: 'text/html', js: 'text/javascript', wasm: 'application/wasm' } as const;
const ends: (() => unknown)[] = [];

afterAll(async () => {
  for (const end of ends.toReversed()) await end();
});

/** The page's program as Vite bundles it, put where a test can call it. */
async function bundle(program: string): Promise<string> {
  const root = join(folder, 'web');
  const outDir = join(root, 'built');
  mkdirSync(root);
  writeFileSync(join(root, 'main.js'), `${program}\nglobalThis.blur = blur;\n`);
  writeFileSync(
    join(root, 'index.html'),
    '<!doctype html><link rel="icon" href="data:,"><script type="module" src="./main.js"></script>',
  );
  await build({
    configFile: false,
    root,
    base: './',
    logLevel: 'error',
    resolve: { alias: { 'cipherconv/client': join(ROOT, 'src', 'client', 'index.ts') } },
    build: { outDir, target: 'es2022', assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  });
  return outDir;
}

async function serveFiles(outDir: string): Promise<string> {
  const pages: Server = createServer(({ url = '/' }, reply) => {
    const path = new URL(url, 'http://x').pathname;
    const file = path === '/' ? '/index.html' : path;
    const ending = file.slice(file.lastIndexOf('.') + 1) as keyof typeof TYPES;
    reply.setHeader('content-type', TYPES[ending]);
    reply.end(readFileSync(join(outDir, file)));
  });
  pages.listen(0, '127.0.0.1');
  await once(pages, 'listening');
  ends.push(() => pages.close());
  return `http://127.0.0.1:${(pages.address() as AddressInfo).port}`;
}

/** Runs the tutorial's line on a free port, for pages of `origin`. */
async function startServer(origin: string): Promise<{ url: string; digest: string }> {
  const line = typedLines(blocks.find(({ text }) => text.includes('cipherconv serve '))!).at(0)!;
  const args = line
    .replace('npx cipherconv ', '')
    .replace('--port 8080', '--port 0')
    .replace('http://localhost:5173', origin);
  expect(args).toContain(`--port 0 --cors ${origin}`);
  const child: ChildProcess = spawn(process.execPath, [BIN, ...args.split(' ')], { cwd: folder });
  const closed = once(child, 'close');
  ends.push(async () => {
    child.kill('SIGTERM');
    await closed;
  });
  let printed = '';
  child.stdout?.resume();
  await new Promise<void>((resolve, reject) => {
    child.stderr?.on('data', (bytes: Buffer) => {
      printed += bytes.toString();
      if (/listening on .*\n/.test(printed)) resolve();
    });
    closed.then(() => {
      reject(new Error(`the server ended: ${printed}`));
    }, reject);
  });
  const [, digest = ''] = /serving gaussian: ([0-9a-f]{64})\n/.exec(printed) ?? [];
  const [, url = ''] = /listening on (\S+)\n/.exec(printed) ?? [];
  return { url, digest };
}

it('a page blurs a picture on the server, and the integers are those of the filter in the clear', async () => {
  prepare(folder);
  for (const line of blocks.filter(({ language }) => language === 'sh').flatMap(typedLines)) {
    const { code, lines } = runLine(folder, line);
    expect(code, lines.join('\n')).toBe(0);
  }
  const program = blocks.find(({ language }) => language === 'js')!.text;
  const origin = await serveFiles(await bundle(program));
  const { url, digest } = await startServer(origin);
  const browser = await launchChromium();
  ends.push(() => browser.close());
  const watched = await openWatched(browser, `${origin}/`);
  const { spec } = parseFilterConfig(readFileSync(join(folder, 'blur.conv.json'), 'utf8'));
  const input = randomInput(spec, 3);
  await watched.page.waitForFunction('globalThis.blur !== undefined');
  const output = await watched.page.evaluate<number[]>(
    `blur(${JSON.stringify(url)}, ${JSON.stringify(digest)}, ${JSON.stringify([...input.data])}).then((data) => [...data])`,
  );
  expect(output).toEqual([...convolve(spec, input).data]);
  expect(Math.max(...output)).toBeLessThanOrEqual(45);
  expect(watched.complaints).toEqual([]);
});
