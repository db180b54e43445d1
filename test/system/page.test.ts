/** The page of `serve` in a real browser: a picture goes in, integers come out, and they are those of the convolution. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encode } from 'fast-png';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { parseFilterConfig } from '../../src/frontend/config.ts';
import { decodePicture } from '../../src/frontend/picture.ts';
import { pictureTensor } from '../../src/frontend/pictureTensor.ts';
import type { Service } from '../../src/server/service.ts';
import { launchChromium, openWatched, PLAIN_HOST } from '../support/chromium.ts';
import type { WatchedPage } from '../support/chromium.ts';
import { colour, deep, grey, rotated } from './pagePlans.ts';
import {
  expectQuietPage,
  ready,
  choosePlan,
  choosePicture,
  encryptAndSend,
  verdictOf,
  pixelsOf,
} from './pageActions.ts';
import { servePage } from './servePage.ts';

const root = join(import.meta.dirname, '..', '..');
const pictures = join(process.env['DATA_DIR'] ?? 'DATA_DIR is not set', 'images');
/** Where people find what the page looked like. */
const screenshots = join(root, 'out');

let folder: string;
let service: Service;
let browser: Browser;
/** What was begun and has to end, also when what came after it could not begin. */
const ends: (() => void | Promise<void>)[] = [];
let watched: WatchedPage | null = null;

beforeAll(async () => {
  browser = await launchChromium();
  ends.push(() => browser.close());
  folder = mkdtempSync(join(tmpdir(), 'cipherconv-page-'));
  ends.push(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  service = await servePage(join(folder, 'page'));
  ends.push(() => service.stop());
});

afterAll(async () => {
  for (const end of ends.toReversed()) await end();
});

afterEach(async () => {
  await watched?.close();
  watched = null;
});

async function open(options: BrowserContextOptions = {}, url = service.url): Promise<Page> {
  watched = await openWatched(browser, `${url}/`, options);
  await ready(watched.page);
  return watched.page;
}

const expectQuiet = (): void => {
  expectQuietPage(watched, service.url);
};

describe('the page', () => {
  it.each(['light', 'dark'] as const)('convolves a picture end to end, %s', async (colorScheme) => {
    const page = await open({ colorScheme });
    await choosePicture(page, join(pictures, 'coins.png'));
    await encryptAndSend(page);
    expect(await verdictOf(page, grey.configText)).toMatch(/^All 51,200 integers are equal/);
    const steps = await page.locator('#step-rows').innerText();
    for (const step of ['encrypt', 'send and receive', 'evaluate', 'decrypt']) expect(steps).toContain(step);
    expect(await page.locator('#messages pre').first().innerText()).toMatch(/^000000 {2}43 43/);
    mkdirSync(screenshots, { recursive: true });
    await page.screenshot({ path: join(screenshots, `page-${colorScheme}.png`), fullPage: true });
    expectQuiet();
  });

  it('says when the result is not that of the config', async () => {
    const page = await open();
    await choosePicture(page, join(pictures, 'moon.png'));
    await encryptAndSend(page);
    const wrong = grey.configText.replace('2,3,2', '2,2,2');
    expect(wrong).not.toBe(grey.configText);
    expect(await verdictOf(page, wrong)).toMatch(/^[\d,]+ of 51,200 integers differ/);
    expect(await verdictOf(page, colour.configText)).toContain(
      'not the one that this plan was compiled from',
    );
    expect(await verdictOf(page, '{ "version": 1 }')).toMatch(/filter\.conv\.json:1:/);
    expect(await verdictOf(page, grey.configText)).toMatch(/^All 51,200 integers are equal/);
    expectQuiet();
  });

  it('quantizes a picture of the size of the plan exactly as `run` does', async () => {
    const { spec } = parseFilterConfig(colour.configText);
    const { height, width, channels } = spec.input;
    const data = Uint8Array.from({ length: height * width * channels }, (_, index) => (index * 37) % 256);
    const png = encode({ width, height, channels, depth: 8, data });
    const file = join(folder, 'exact.png');
    writeFileSync(file, png);
    const page = await open();
    await choosePlan(page, colour);
    await choosePicture(page, file);
    const { data: expected } = pictureTensor(decodePicture(png, file), spec, () => undefined);
    const shown = Uint8ClampedArray.from({ length: data.length }, (_, index) => {
      const value = expected[(index % channels) * height * width + Math.floor(index / channels)] ?? NaN;
      return (value + 4) * (255 / 7);
    });
    expect(await pixelsOf(page, 'quantized')).toEqual([...shown]);
    await encryptAndSend(page);
    expect(await verdictOf(page, colour.configText)).toMatch(/^All 1,920 integers are equal/);
    expectQuiet();
  });

  it('takes drawings, by mouse and by keyboard', async () => {
    const page = await open();
    await choosePlan(page, colour);
    await page.getByRole('radio', { name: 'Draw' }).check();
    const empty = await pixelsOf(page, 'quantized');
    expect(new Set(empty)).toEqual(new Set([0]));
    const area = await page.locator('#drawing').boundingBox();
    if (area === null) throw new Error('the drawing area is not there');
    await page.mouse.move(area.x + 30, area.y + 40);
    await page.mouse.down();
    await page.mouse.move(area.x + 150, area.y + 120, { steps: 5 });
    await page.mouse.up();
    const stroke = (await pixelsOf(page, 'quantized')).filter((value) => value === 255).length;
    expect(stroke).toBeGreaterThan(100);
    await page.locator('#drawing').focus();
    for (const key of ['ArrowDown', ' ', ...Array<string>(8).fill('ArrowDown')])
      await page.keyboard.press(key);
    const both = (await pixelsOf(page, 'quantized')).filter((value) => value === 255).length;
    expect(both).toBeGreaterThan(stroke + 20);
    await encryptAndSend(page);
    expect(await verdictOf(page, colour.configText)).toMatch(/^All 1,920 integers are equal/);
    await page.getByRole('button', { name: 'Clear' }).click();
    expect(await pixelsOf(page, 'quantized')).toEqual(empty);
    expect(await page.locator('#result').isVisible()).toBe(false);
    expectQuiet();
  });

  it('takes pictures of a camera', async () => {
    const page = await open();
    await choosePlan(page, colour);
    await page.getByRole('radio', { name: 'Camera' }).check();
    await page.getByRole('button', { name: 'Start camera' }).click();
    await page.getByRole('button', { name: 'Take picture' }).click();
    await encryptAndSend(page);
    expect(await verdictOf(page, colour.configText)).toMatch(/^All 1,920 integers are equal/);
    await page.getByRole('button', { name: 'Stop camera' }).click();
    expectQuiet();
  });

  it('works over plain http from another machine, where browsers give no camera', async () => {
    const url = service.url.replace('127.0.0.1', PLAIN_HOST);
    const page = await open({}, url);
    expect(await page.evaluate<boolean>('isSecureContext')).toBe(false);
    expect(await page.getByRole('radio', { name: 'Camera' }).isVisible()).toBe(false);
    await choosePicture(page, join(pictures, 'horse.png'));
    await encryptAndSend(page);
    expect(await verdictOf(page, grey.configText)).toMatch(/^All 51,200 integers are equal/);
    expect(watched?.complaints.filter((text) => !text.includes('Cross-Origin-Opener-Policy'))).toEqual([]);
  });

  it('sends evaluation keys once for a diagonals plan', async () => {
    const page = await open();
    await choosePlan(page, rotated);
    await choosePicture(page, join(pictures, 'moon.png'));
    await encryptAndSend(page);
    expect(await page.locator('#step-rows').innerText()).toContain('send keys');
    expect(await verdictOf(page, rotated.configText)).toMatch(/^All 100 integers are equal/);
    await page.getByRole('button', { name: 'Encrypt and send' }).click();
    await page.locator('#run-status').filter({ hasText: 'Done.' }).waitFor();
    expect(await page.locator('#step-rows').innerText()).not.toContain('send keys');
    expectQuiet();
  });

  it('says what it cannot do: a plan that takes no picture, a file that is none', async () => {
    const page = await open();
    const notPicture = { name: 'notes.png', mimeType: 'image/png', buffer: Buffer.from('no picture') };
    await page.getByLabel(/^Picture/).setInputFiles(notPicture);
    await page.locator('#picture-alert').filter({ hasText: 'notes.png' }).waitFor();
    await choosePicture(page, join(pictures, 'moon.png'));
    expect(await page.locator('#picture-alert').isVisible()).toBe(false);
    await choosePlan(page, deep);
    await page.locator('#picture-alert').filter({ hasText: 'takes 8 channels' }).waitFor();
    expect(await page.getByRole('button', { name: 'Encrypt and send' }).isDisabled()).toBe(true);
    expect(watched?.complaints).toEqual([]);
  });

  it('keeps the focus of whoever uses it by keyboard, and follows the plan chosen last', async () => {
    const page = await open();
    const focused = (): Promise<string> => page.evaluate<string>('document.activeElement.id');
    await choosePicture(page, join(pictures, 'moon.png'));
    await page.locator('#plan').focus();
    for (const key of ['ArrowDown', 'ArrowDown', 'ArrowUp']) await page.keyboard.press(key);
    await page.locator('#plan-facts').filter({ hasText: colour.stored.digest }).waitFor();
    await ready(page);
    expect(await focused()).toBe('plan');
    await page.locator('#run').focus();
    await page.keyboard.press('Enter');
    await page.locator('#run-status').filter({ hasText: 'Done.' }).waitFor();
    expect(await focused()).toBe('run');
    expect(await verdictOf(page, colour.configText)).toMatch(/^All 1,920 integers are equal/);
    expectQuiet();
  });

  it('is not ready when a plan chosen twice was opened the first time only', async () => {
    const page = await open();
    await choosePicture(page, join(pictures, 'moon.png'));
    const asked: (() => void)[] = [];
    await page.context().route(`**/v1/plans/${colour.stored.digest}`, async (route) => {
      // The first answer comes, the second when the test says so.
      if (asked.push(() => void route.continue()) === 1) await route.continue();
    });
    // One task that outlasts the first opening: its answer is read when the second is already asked for.
    await page.evaluate(`{
      const plans = document.getElementById('plan');
      const choose = (digest) => { plans.value = digest; plans.dispatchEvent(new Event('change')); };
      choose('${colour.stored.digest}');
      for (const until = performance.now() + 3000; performance.now() < until;);
      choose('${deep.stored.digest}');
      choose('${colour.stored.digest}');
    }`);
    await vi.waitUntil(() => asked.length === 2, 20_000);
    expect(await page.locator('#plan-status').innerText()).toContain('Fetching the plan');
    expect(await page.locator('#run').isDisabled()).toBe(true);
    asked[1]?.();
    await ready(page);
    await encryptAndSend(page);
    expect(await verdictOf(page, colour.configText)).toMatch(/^All 1,920 integers are equal/);
    expectQuiet();
  });

  it('shows refusals, can be cancelled, and goes on afterwards', async () => {
    const page = await open();
    await choosePicture(page, join(pictures, 'moon.png'));
    const evaluate = '**/evaluate';
    await page.context().route(evaluate, (route) =>
      route.fulfill({
        status: 400,
        contentType: 'application/problem+json',
        body: '{ "title": "too odd" }',
      }),
    );
    await page.getByRole('button', { name: 'Encrypt and send' }).click();
    await page.locator('#run-alert').filter({ hasText: 'too odd' }).waitFor();
    await page.context().unroute(evaluate);
    await page.context().route(evaluate, () => undefined);
    await page.getByRole('button', { name: 'Encrypt and send' }).click();
    await page.locator('#run-status').filter({ hasText: 'Waiting for the server' }).waitFor();
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.locator('#run-status').filter({ hasText: 'Cancelled.' }).waitFor();
    await page.context().unroute(evaluate);
    await encryptAndSend(page);
    expect(await verdictOf(page, grey.configText)).toMatch(/^All 51,200 integers are equal/);
  });

  it('fits a narrow screen', async () => {
    const page = await open({ viewport: { width: 360, height: 740 } });
    await choosePicture(page, join(pictures, 'moon.png'));
    await encryptAndSend(page);
    const overhang = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
    expect(await page.evaluate<number>(overhang)).toBe(0);
    await page.screenshot({ path: join(screenshots, 'page-narrow.png'), fullPage: true });
  });

  it('runs no script but its own: the watch sees a broken policy', async () => {
    const page = await open();
    await page.evaluate(
      "document.body.append(Object.assign(document.createElement('script'), { text: '1' }))",
    );
    expect(watched?.complaints.join()).toContain('Content Security Policy');
  });
});
