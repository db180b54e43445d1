/** A network of one round on the page of `serve`, in a real browser: draw, see ten scores, equal to those in the clear. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { compileNetwork } from '../../compiler/network/compile.ts';
import { convolutionStage, denseStage } from '../../compiler/network/stages.ts';
import { UNSCALED } from '../../compiler/network/spec.ts';
import type { NetworkSpec } from '../../compiler/network/spec.ts';
import { storeNetwork } from '../../src/network/networkPlan.ts';
import type { Service } from '../../src/server/service.ts';
import { ROOT, temporaryFolder } from '../cli/spawnCli.ts';
import { launchChromium, openWatched } from '../support/chromium.ts';
import type { WatchedPage } from '../support/chromium.ts';
import { clearLogits, integersFrom } from '../support/networks.ts';
import { encryptAndSend, expectQuietPage, pixelsOf, ready } from './pageActions.ts';
import { servePageOf } from './servePage.ts';

const screenshots = join(ROOT, 'out');
const between = integersFrom(5);
const numbers = (count: number, most: number): number[] =>
  Array.from({ length: count }, () => between(-most, most));
const geometry = {
  shape: [1, 28, 28],
  outputs: 5,
  kernel: [5, 5],
  strides: [2, 2],
  pads: [1, 1, 1, 1],
} as const;
const convolution = convolutionStage('conv', geometry, numbers(125, 1), numbers(5, 3));
const spec: NetworkSpec = {
  name: 'digits',
  input: { shape: [1, 28, 28], range: { lo: 0, hi: 3 } },
  stages: [convolution, denseStage('dense', convolution.outputs, numbers(8450, 1), numbers(10, 9))],
  output: { shape: [10], scale: UNSCALED },
};
const port = {
  name: 'pictures',
  type: 'float32',
  shape: [1, 1, 28, 28],
  quantize: { scale: 85, zeroPoint: 0 },
} as const;

let service: Service;
let browser: Browser;
let watched: WatchedPage | null = null;

beforeAll(async () => {
  mkdirSync(screenshots, { recursive: true });
  const stored = storeNetwork({ plan: compileNetwork(spec), port, output: 'scores', blind: null });
  browser = await launchChromium();
  service = await servePageOf(join(temporaryFolder(), 'page'), { plans: [stored], models: [] });
});

afterAll(async () => {
  await browser.close();
  await service.stop();
});

afterEach(async () => {
  await watched?.close();
  watched = null;
});

async function open(options: BrowserContextOptions = {}): Promise<Page> {
  watched = await openWatched(browser, `${service.url}/`, options);
  await ready(watched.page);
  return watched.page;
}

/** What the page shows, by class. */
const shownScores = async (page: Page): Promise<string[]> => {
  const rows = await page.evaluate<[string, string][]>(
    `[...document.querySelectorAll('#scores li')].map((row) => [row.firstChild.textContent, row.lastChild.title])`,
  );
  const scores: string[] = [];
  for (const [name, value] of rows) scores[Number(name.replace('class ', ''))] = value;
  return scores;
};

/** The scores in the clear of the levels that the page says it encrypts. */
async function expectRightScores(page: Page): Promise<void> {
  const levels = (await pixelsOf(page, 'quantized')).filter((_, at) => at % 3 === 0);
  const data = Float64Array.from(levels, (value) => value / 85);
  expect(new Set(data).size).toBeGreaterThan(1);
  const expected = clearLogits(spec, data).map(String);
  expect(await shownScores(page)).toEqual(expected);
  const most = expected.reduce((at, value, index) => (Number(value) > Number(expected[at]) ? index : at), 0);
  expect(await page.locator('#answer').innerText()).toBe(String(most));
}

describe('a network of one round on the page', () => {
  it('draw with the mouse: ten scores, those of the drawing in the clear; then another one', async () => {
    const page = await open();
    expect(await page.getByRole('radio', { name: 'Draw' }).isChecked()).toBe(true);
    const draw = async (ends: readonly (readonly [number, number])[]): Promise<void> => {
      await page.locator('#drawing').scrollIntoViewIfNeeded();
      const area = (await page.locator('#drawing').boundingBox())!;
      const [first, ...others] = ends.map(
        ([x, y]) => [area.x + x * area.width, area.y + y * area.height] as const,
      );
      await page.mouse.move(...first!);
      await page.mouse.down();
      for (const end of others) await page.mouse.move(...end, { steps: 8 });
      await page.mouse.up();
    };
    await draw([
      [0.2, 0.2],
      [0.6, 0.2],
      [0.35, 0.7],
    ]);
    await encryptAndSend(page);
    await expectRightScores(page);
    const seven = await shownScores(page);
    expect(await page.locator('#picture-note').innerText()).toContain('centred');
    await page.screenshot({ path: join(screenshots, 'network-page-1280.png'), fullPage: true });
    await page.getByRole('button', { name: 'Clear' }).click();
    await draw([
      [0.5, 0.1],
      [0.5, 0.9],
    ]);
    await encryptAndSend(page);
    await expectRightScores(page);
    expect(await shownScores(page)).not.toEqual(seven);
    // The keys went once.
    expect(watched!.requests.filter((url) => url.endsWith('/evaluation-keys'))).toHaveLength(1);
    expectQuietPage(watched, service.url);
  });

  it('draw with the keyboard alone, on a narrow screen', async () => {
    const page = await open({ viewport: { width: 390, height: 844 } });
    await page.locator('#drawing').focus();
    await page.keyboard.press(' ');
    for (let step = 0; step < 12; step++) await page.keyboard.press('ArrowDown');
    await page.keyboard.press(' ');
    await encryptAndSend(page);
    await expectRightScores(page);
    const wide = await page.evaluate<boolean>('document.documentElement.scrollWidth > innerWidth');
    expect(wide).toBe(false);
    await page.screenshot({ path: join(screenshots, 'network-page-390.png'), fullPage: true });
    expectQuietPage(watched, service.url);
  });

  it('pick a sample instead', async () => {
    const page = await open();
    await page.getByRole('radio', { name: 'File' }).check();
    await page.getByRole('button', { name: 'digit' }).click();
    await encryptAndSend(page);
    await expectRightScores(page);
    expectQuietPage(watched, service.url);
  });
});
