/** Whole models on the page of `serve`, in a real browser: what comes out is what `infer` writes. Reads DATA_DIR. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { decodeNpyNumbers } from '../../src/frontend/npy.ts';
import { loadServed } from '../../src/server/models.ts';
import type { Service } from '../../src/server/service.ts';
import { cipherconv, ROOT, temporaryFolder } from '../cli/spawnCli.ts';
import { residualModel } from '../model/models.ts';
import { launchChromium, openWatched } from '../support/chromium.ts';
import type { WatchedPage } from '../support/chromium.ts';
import { servingProcess } from '../support/servingProcess.ts';
import { choosePicture, downloaded, encryptAndSend, expectQuietPage, ready } from './pageActions.ts';
import { servePage } from './servePage.ts';

const dataFolder = process.env['DATA_DIR'];
if (dataFolder === undefined) throw new Error('set DATA_DIR to the folder that holds onnx/ and images/');
const onnx = (...path: string[]): string => join(dataFolder, 'onnx', ...path);
const picture = join(dataFolder, 'images', 'coins.png');
const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const screenshots = join(ROOT, 'out');
const MODELS = {
  residual: at('residual.onnx'),
  tfc: onnx('qonnx', 'TFC_2W2A.onnx'),
  jets: onnx('zoo', 'zoo_qkeras_jettagging.onnx'),
};

let service: Service;
let browser: Browser;
let watched: WatchedPage | null = null;
const ends: (() => unknown)[] = [];

beforeAll(async () => {
  writeFileSync(MODELS.residual, residualModel());
  for (const [name, file] of Object.entries(MODELS)) {
    const files = ['-o', at(`${name}.plan`), '--client-plan', at(`${name}.client`)];
    expect(cipherconv(['-q', 'compile', file, ...files]).code).toBe(0);
  }
  browser = await launchChromium();
  ends.push(() => browser.close());
  const { models } = await loadServed(Object.keys(MODELS).map((name) => at(`${name}.plan`)));
  service = await servePage(at('page'), models);
  ends.push(() => service.stop());
});

afterAll(async () => {
  for (const end of ends.toReversed()) await end();
});

afterEach(async () => {
  await watched?.close();
  watched = null;
});

const digestOf = (name: string): string =>
  (JSON.parse(readFileSync(at(`${name}.client`), 'utf8')) as { digest: string }).digest;

async function open(name: keyof typeof MODELS, options: BrowserContextOptions = {}): Promise<Page> {
  watched = await openWatched(browser, `${service.url}/`, options);
  const { page } = watched;
  await ready(page);
  await page.locator('#plan').selectOption(digestOf(name));
  await page
    .locator('#plan-facts')
    .filter({ hasText: digestOf(name) })
    .waitFor();
  await ready(page);
  return page;
}

/** What `infer` writes for the same picture, through a server process of its own. */
async function inferred(name: string): Promise<number[]> {
  const server = await servingProcess([at(`${name}.plan`)]);
  const files = ['--plan', at(`${name}.client`), '-i', picture, '-o', at(`${name}.json`)];
  const ended = cipherconv(['-q', 'infer', '--server', server.url, ...files, '--grey', '--resize']);
  await server.kill();
  expect(ended.code).toBe(0);
  const { data } = JSON.parse(readFileSync(at(`${name}.json`), 'utf8')) as { data: number[] };
  return (data as unknown[]).flat(4) as number[];
}

const roundTexts = (page: Page): Promise<string[]> => page.locator('#rounds output').allInnerTexts();

describe('a model on the page', () => {
  it('class scores: those of infer, the largest first; a bar and the bytes of every round', async () => {
    const page = await open('tfc');
    await choosePicture(page, picture);
    await encryptAndSend(page);
    const expected = (await inferred('tfc'))
      .map((value, index) => [`class ${index}`, String(value)] as const)
      .sort(([, left], [, right]) => Number(right) - Number(left));
    const shown = await page.evaluate<[string, string][]>(
      `[...document.querySelectorAll('#scores li')].map((row) => [row.firstChild.textContent, row.lastChild.title])`,
    );
    expect(shown).toEqual(expected);
    expect(new Set(shown.map(([, value]) => value)).size).toBeGreaterThan(1);
    expect(await roundTexts(page)).toHaveLength(4);
    for (const text of await roundTexts(page))
      expect(text).toMatch(/^[\d,]+ bytes up, [\d,]+ bytes down, [\d.,]+ ms, the server [\d.,]+ ms of it$/);
    expect(await page.locator('#noise-note').innerText()).toMatch(/^Noise budget left: \d+ bits?/);
    expect(await page.locator('#messages pre').first().innerText()).toMatch(/^000000 {2}43 43/);
    expect(await page.locator('#compare').isVisible()).toBe(false);
    expectQuietPage(watched, service.url);
  });

  it('a picture out, beside the input and what is encrypted', async () => {
    const page = await open('residual');
    await choosePicture(page, picture);
    await encryptAndSend(page);
    const expected = await inferred('residual');
    expect(Math.max(...expected)).toBeGreaterThan(Math.min(...expected));
    const saved = decodeNpyNumbers(await downloaded(page, 'output.npy'), 'output.npy');
    expect([...saved.data]).toEqual(expected);
    expect(await page.locator('#sides figure').count()).toBe(2);
    expect(await page.locator('#panels figure').count()).toBe(2);
    expect(await roundTexts(page)).toHaveLength(2);
    expectQuietPage(watched, service.url);
  });

  it('names classes by a file of the user, and says when it has another number', async () => {
    const page = await open('tfc');
    await choosePicture(page, picture);
    await encryptAndSend(page);
    const shown = (): Promise<string[]> => page.locator('#scores li > span:first-child').allInnerTexts();
    const before = await shown();
    const give = (names: readonly string[]): Promise<void> =>
      page.locator('#labels-file').setInputFiles({
        name: 'labels.txt',
        mimeType: 'text/plain',
        buffer: Buffer.from(`${names.join('\r\n')}\n`),
      });
    await give(['zero', 'one']);
    await page.locator('#labels-alert').filter({ hasText: '2 names for 10 classes' }).waitFor();
    expect(await shown()).toEqual(before);
    const names = ['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine'];
    await give(names);
    await page.locator('#scores').filter({ hasText: 'three' }).waitFor();
    expect(await shown()).toEqual(before.map((text) => names[Number(text.replace('class ', ''))]));
    expect(await page.locator('#labels-alert').isVisible()).toBe(false);
  });

  it('says when a model takes no picture', async () => {
    const page = await open('jets');
    await page.getByLabel(/^Picture/).setInputFiles(picture);
    await page.locator('#picture-alert').filter({ hasText: 'takes float32 [1, 16]' }).waitFor();
    expect(await page.getByRole('button', { name: 'Encrypt and send' }).isDisabled()).toBe(true);
  });

  it.each([
    ['light', 1280],
    ['dark', 1280],
    ['light', 390],
    ['dark', 390],
  ] as const)('fits the screen, %s, %i wide', async (colorScheme, width) => {
    const page = await open('tfc', { colorScheme, viewport: { width, height: 840 } });
    await choosePicture(page, picture);
    await encryptAndSend(page);
    const overhang = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
    expect(await page.evaluate<number>(overhang)).toBe(0);
    mkdirSync(screenshots, { recursive: true });
    await page.screenshot({ path: join(screenshots, `model-${colorScheme}-${width}.png`), fullPage: true });
  });
});
