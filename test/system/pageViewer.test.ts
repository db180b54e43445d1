/** The page as a product: samples, cursor, colours, downloads, crops, and what happens when something goes wrong. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decode, encode } from 'fast-png';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { parseFilterConfig } from '../../src/frontend/config.ts';
import { inLayout } from '../../src/frontend/layouts.ts';
import { decodeNpy } from '../../src/frontend/npy.ts';
import { pictureTensor } from '../../src/frontend/pictureTensor.ts';
import { decodePicture } from '../../src/frontend/picture.ts';
import { convolve } from '../../runtime/clear/loops.ts';
import { samplePixels } from '../../src/page/samples.ts';
import type { Service } from '../../src/server/service.ts';
import { launchChromium, openWatched } from '../support/chromium.ts';
import type { WatchedPage } from '../support/chromium.ts';
import { violationsOf } from '../support/axe.ts';
import { colour, deep, grey } from './pagePlans.ts';
import {
  choosePicture,
  choosePlan,
  downloaded,
  encryptAndSend,
  expectQuietPage,
  pixelsOf,
  readAt,
  ready,
  verdictOf,
} from './pageActions.ts';
import { servePage } from './servePage.ts';

const screenshots = join(import.meta.dirname, '..', '..', 'out');
const folder = mkdtempSync(join(tmpdir(), 'cipherconv-page-'));
let service: Service;
let browser: Browser;
let watched: WatchedPage | null = null;
const ends: (() => unknown)[] = [];

beforeAll(async () => {
  browser = await launchChromium();
  ends.push(() => browser.close());
  service = await servePage(join(folder, 'page'));
  ends.push(() => service.stop());
  mkdirSync(screenshots, { recursive: true });
});

afterAll(async () => {
  for (const end of ends.toReversed()) await end();
  rmSync(folder, { recursive: true, force: true });
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

const configFile = (text: string): { name: string; mimeType: string; buffer: Buffer } => ({
  name: 'filter.conv.json',
  mimeType: 'application/json',
  buffer: Buffer.from(text),
});

/** A picture of exactly the size of a plan, with every value somewhere. */
function exactPicture({ configText }: { readonly configText: string }): { file: string; png: Uint8Array } {
  const { height, width, channels } = parseFilterConfig(configText).spec.input;
  const data = Uint8Array.from({ length: height * width * channels }, (_, at) => (at * 37) % 256);
  const png = encode({ width, height, channels, depth: 8, data });
  const file = join(folder, `exact-${channels}.png`);
  writeFileSync(file, png);
  return { file, png };
}

describe('the cursor', () => {
  it('reads the integers that went in, came back, and should have come back', async () => {
    const { spec } = parseFilterConfig(colour.configText);
    const { file, png } = exactPicture(colour);
    const input = pictureTensor(decodePicture(png, file), spec, () => undefined);
    const expected = convolve(spec, input);
    const [, channels = 0, height = 0, width = 0] = expected.shape;
    const page = await open();
    await choosePlan(page, colour);
    await choosePicture(page, file);
    await encryptAndSend(page);
    const at = (channel: number, row: number, column: number): number =>
      expected.data[(channel * height + row) * width + column] ?? NaN;
    expect(await readAt(page, 3, 5)).toBe(`row 3, column 5: ${at(0, 3, 5)} came back`);
    expect(await verdictOf(page, colour.configText)).toMatch(/^All 1,920 integers are equal/);
    await page.getByLabel('Output channel').selectOption('1');
    for (const [row, column] of [
      [0, 0],
      [height - 1, width - 1],
    ] as const) {
      const value = at(1, row, column);
      const line = await readAt(page, row, column);
      expect(line).toBe(
        `row ${row}, column ${column}: ${value} came back, ${value} in the clear, difference 0`,
      );
    }
    expect(channels).toBe(2);
    // Under the filter at the last place: rows 2 * 23 + ..., one padded row and one padded column outside.
    const grid = page.locator('#cursor-grids table').first();
    const [top, left] = [(height - 1) * 2, width - 2];
    const under = [0, 1, 2].map((row) =>
      [0, 1, 2].map((column) => {
        const [y, x] = [top + row, left + column];
        const isInside = y < spec.input.height && x < spec.input.width;
        return isInside ? String(input.data[y * spec.input.width + x]) : '';
      }),
    );
    const shown = await grid.evaluate((table) =>
      [...(table as unknown as { rows: { cells: { textContent: string }[] }[] }).rows].map((row) =>
        [...row.cells].map(({ textContent }) => textContent),
      ),
    );
    expect(shown).toEqual(under);
    expectQuietPage(watched, service.url);
  });

  it('follows the mouse and a finger, on the input too', async () => {
    const page = await open({ hasTouch: true });
    await choosePicture(page, exactPicture(grey).file);
    await encryptAndSend(page);
    const line = page.locator('#cursor-line');
    const box = async (name: string): Promise<{ x: number; y: number; width: number; height: number }> => {
      await page.locator(`#panel-${name} canvas`).scrollIntoViewIfNeeded();
      const found = await page.locator(`#panel-${name} canvas`).boundingBox();
      if (found === null) throw new Error('no panel');
      return found;
    };
    const output = await box('output');
    await page.mouse.move(output.x + (output.width * 64.5) / 256, output.y + (output.height * 20.5) / 200);
    expect(await line.innerText()).toMatch(/^row 20, column 64:/);
    const input = await box('input');
    await page.touchscreen.tap(input.x + (input.width * 10.5) / 256, input.y + (input.height * 190.5) / 200);
    expect(await line.innerText()).toMatch(/^row 190, column 10:/);
  });
});

describe('what is shown and saved', () => {
  it('a sample is taken, quantized as the rule says, and gives what the clear convolution gives', async () => {
    const page = await open();
    await choosePlan(page, colour);
    await page.getByRole('button', { name: 'hills' }).click();
    await encryptAndSend(page);
    expect(await verdictOf(page, colour.configText)).toMatch(/^All 1,920 integers are equal/);
    expect(await page.locator('#picture-note').innerText()).toContain(
      'Cropped: 21.3 pixels are cut off at left',
    );
    expect(samplePixels('hills').length).toBe(4 * 256 * 256);
    expectQuietPage(watched, service.url);
  });

  it('saves integers as npy in the layout of the plan, and pictures as they are shown', async () => {
    const { spec } = parseFilterConfig(colour.configText);
    const { file, png } = exactPicture(colour);
    const input = pictureTensor(decodePicture(png, file), spec, () => undefined);
    const expected = convolve(spec, input);
    const page = await open();
    await choosePlan(page, colour);
    await choosePicture(page, file);
    await encryptAndSend(page);
    const outside = inLayout(expected, 'NHWC');
    const saved = decodeNpy(await downloaded(page, 'output.npy'), 'output.npy');
    expect(saved.shape).toEqual(outside.shape);
    expect([...saved.data]).toEqual([...outside.data]);
    expect([...decodeNpy(await downloaded(page, 'input.npy'), 'input.npy').data]).toEqual([
      ...inLayout(input, 'NHWC').data,
    ]);
    const [, , height = 0, width = 0] = expected.shape;
    const shown = decode(await downloaded(page, 'output.png'));
    expect([shown.width, shown.height]).toEqual([width, height]);
    // Both signs: blue below 0, red above.
    const plane = expected.data.subarray(0, height * width);
    const [low, high] = [plane.indexOf(Math.min(...plane)), plane.indexOf(Math.max(...plane))];
    expect(plane[low]).toBeLessThan(0);
    const rgb = (at: number): number[] =>
      [0, 1, 2].map((part) => shown.data[at * shown.channels + part] ?? NaN);
    expect(rgb(low)[2]).toBeGreaterThan(rgb(low)[0] ?? NaN);
    expect(rgb(high)[0]).toBeGreaterThan(rgb(high)[2] ?? NaN);
  });

  it('shows where the result differs, the noise budget, and the time of the server apart', async () => {
    const page = await open();
    await choosePicture(page, exactPicture(grey).file);
    await encryptAndSend(page);
    expect(await page.locator('#noise-note').innerText()).toMatch(/^Noise budget left: \d+ bits?/);
    const steps = await page.locator('#step-rows').innerText();
    expect(steps).toMatch(/send and receive\s+network\s+[\d.,]+ ms\s+[\d,]+ bytes\s+[\d,]+ bytes/);
    expect(steps).toMatch(/evaluate\s+server\s+[\d.,]+ ms/);
    await verdictOf(page, grey.configText.replace('2,3,2', '2,2,2'));
    await page.locator('#panel-difference').filter({ hasText: 'integers differ' }).waitFor();
    await verdictOf(page, grey.configText);
    await page.locator('#panel-difference').filter({ hasText: '0 everywhere' }).waitFor();
    expect(
      new Set(
        await page.evaluate<number[]>(`(() => {
      const canvas = document.querySelector('#panel-difference canvas');
      return [...canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data];
    })()`),
      ),
    ).toEqual(new Set([247, 255]));
  });
});

describe('what is not lost', () => {
  it('picture, drawing, config and result survive another plan', async () => {
    const page = await open();
    await page.locator('#config-file').setInputFiles(configFile(grey.configText));
    await choosePicture(page, exactPicture(grey).file);
    await encryptAndSend(page);
    await page.locator('#compare-status.equal').waitFor();
    await choosePlan(page, deep);
    await page.locator('#picture-alert').filter({ hasText: 'takes 8 channels' }).waitFor();
    expect(await page.locator('#result').isVisible()).toBe(false);
    await choosePlan(page, grey);
    await page.locator('#run-status').filter({ hasText: 'from before' }).waitFor();
    await page.locator('#compare-status.equal').waitFor();
    await page.getByRole('radio', { name: 'Draw' }).check();
    const area = await page.locator('#drawing').boundingBox();
    if (area === null) throw new Error('the drawing area is not there');
    await page.mouse.move(area.x + 40, area.y + 40);
    await page.mouse.down();
    await page.mouse.move(area.x + 200, area.y + 150, { steps: 5 });
    await page.mouse.up();
    const drawn = await pixelsOf(page, 'quantized');
    expect(new Set(drawn).size).toBeGreaterThan(1);
    await choosePlan(page, colour);
    expect(new Set(await pixelsOf(page, 'quantized')).size).toBeGreaterThan(1);
    await choosePlan(page, grey);
    expect(await pixelsOf(page, 'quantized')).toEqual(drawn);
  });

  it('takes files that are dropped or pasted', async () => {
    const page = await open();
    const { png } = exactPicture(grey);
    const send = (kind: 'drop' | 'paste', name: string, bytes: Uint8Array, type: string): Promise<unknown> =>
      page.evaluate(`(() => {
        const transfer = new DataTransfer();
        const bytes = Uint8Array.from(atob('${Buffer.from(bytes).toString('base64')}'), (c) => c.charCodeAt(0));
        transfer.items.add(new File([bytes], '${name}', { type: '${type}' }));
        const init = { bubbles: true, cancelable: true };
        dispatchEvent('${kind}' === 'drop'
          ? new DragEvent('drop', { ...init, dataTransfer: transfer })
          : new ClipboardEvent('paste', { ...init, clipboardData: transfer }));
      })()`);
    await send('paste', 'pasted.png', png, 'image/png');
    await page.locator('#run-status').filter({ hasText: 'Ready to encrypt' }).waitFor();
    await send('drop', 'filter.conv.json', Buffer.from(grey.configText), 'application/json');
    await encryptAndSend(page);
    await page.locator('#compare-status.equal').waitFor();
    await send('drop', 'other.png', png, 'image/png');
    await page.locator('#run-status').filter({ hasText: 'from before' }).waitFor();
    await send('drop', 'labels.txt', Buffer.from('a\nb\n'), 'text/plain');
    await page.locator('#picture-alert').filter({ hasText: 'when scores are shown' }).waitFor();
  });

  it('says what happened and goes on: a lost server, a plan that is gone, a picture that is too large', async () => {
    const page = await open();
    const huge = Buffer.from(encode({ width: 1, height: 1, channels: 1, depth: 8, data: Uint8Array.of(0) }));
    huge.writeUInt32BE(100_000, 16);
    huge.writeUInt32BE(100_000, 20);
    await choosePicture(page, exactPicture(grey).file);
    await page
      .getByLabel(/^Picture/)
      .setInputFiles({ name: 'huge.png', mimeType: 'image/png', buffer: huge });
    await page.locator('#picture-alert').filter({ hasText: '100000 x 100000 pixels are too many' }).waitFor();
    const evaluate = '**/evaluate';
    await page.context().route(evaluate, (route) => route.abort('connectionrefused'));
    await page.getByRole('button', { name: 'Encrypt and send' }).click();
    await page.locator('#run-alert').filter({ hasText: 'The server does not answer.' }).waitFor();
    await page.context().unroute(evaluate);
    await page.context().route(evaluate, (route) =>
      route.fulfill({
        status: 404,
        contentType: 'application/problem+json',
        body: '{ "type": "urn:cipherconv:problem:unknown-plan", "title": "No such plan is served" }',
      }),
    );
    await page.getByRole('button', { name: 'Encrypt and send' }).click();
    await page.locator('#run-alert').filter({ hasText: 'no longer has this plan' }).waitFor();
    await page.context().unroute(evaluate);
    await page.getByRole('button', { name: 'Ask the server again' }).click();
    await ready(page);
    await encryptAndSend(page);
    expect(await verdictOf(page, grey.configText)).toMatch(/^All 51,200 integers are equal/);
    expect(await page.getByRole('button', { name: 'Ask the server again' }).isVisible()).toBe(false);
    await page.context().route(evaluate, (route) => route.abort('connectionrefused'));
    await page.getByRole('button', { name: 'Encrypt and send' }).click();
    await page.locator('#run-alert').filter({ hasText: 'The server does not answer.' }).waitFor();
    await page.locator('#run-status').filter({ hasText: 'from before' }).waitFor();
    await page.locator('#compare-status.equal').waitFor();
    expect(await page.locator('#result').isVisible()).toBe(true);
  });
});

describe('the look', () => {
  it.each([
    ['light', 1280],
    ['dark', 1280],
    ['light', 390],
    ['dark', 390],
  ] as const)('fits, and axe finds nothing, %s, %i wide', async (colorScheme, width) => {
    const page = await open({ colorScheme, viewport: { width, height: 840 } });
    expect(await violationsOf(page)).toEqual([]);
    await choosePlan(page, colour);
    await page.getByRole('button', { name: 'hills' }).click();
    await page.locator('#config-file').setInputFiles(configFile(colour.configText));
    await encryptAndSend(page);
    await page.locator('#compare-status.equal').waitFor();
    const overhang = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
    expect(await page.evaluate<number>(overhang)).toBe(0);
    expect(await violationsOf(page)).toEqual([]);
    await page.screenshot({ path: join(screenshots, `viewer-${colorScheme}-${width}.png`), fullPage: true });
  });
});
