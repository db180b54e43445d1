import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import type { WatchedPage } from '../support/chromium.ts';
import type { Served } from './pagePlans.ts';

/** What somebody does with the page. */

/** Waits until the plan chosen is open. */
export async function ready(page: Page): Promise<void> {
  await page.locator('#plan-status').filter({ hasText: 'Ready' }).waitFor();
}

/** Chooses one of the plans that the server lists. */
export async function choosePlan(page: Page, { stored }: Served): Promise<void> {
  await page.getByLabel('Filter or model served here').selectOption(stored.digest);
  await page.locator('#plan-facts').filter({ hasText: stored.digest }).waitFor();
  await ready(page);
}

/** Gives the page a picture file. */
export async function choosePicture(page: Page, path: string): Promise<void> {
  await page.getByLabel(/^Picture/).setInputFiles(path);
  await page.locator('#run-status').filter({ hasText: 'Ready to encrypt' }).waitFor();
}

/** Sends the picture, and waits for the result. */
export async function encryptAndSend(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Encrypt and send' }).click();
  await page.locator('#result').waitFor();
}

/** Gives the page a filter config, and reads what it says. */
export async function verdictOf(page: Page, configText: string): Promise<string> {
  const buffer = Buffer.from(configText);
  const file = { name: 'filter.conv.json', mimeType: 'application/json', buffer };
  await page.getByLabel(/^Filter config/).setInputFiles(file);
  const verdict = page.locator('#compare-status.equal, #compare-status.different, #compare-alert:visible');
  await verdict.waitFor();
  return await verdict.innerText();
}

/** Red, green and blue of every pixel of a canvas, row by row. */
export async function pixelsOf(page: Page, id: string): Promise<number[]> {
  const pixels = await page.evaluate<number[]>(`(() => {
    const canvas = document.getElementById('${id}');
    return [...canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data];
  })()`);
  return pixels.filter((_, index) => index % 4 !== 3);
}

/** The page evaluated something, spoke to nobody but the server at `url`, and nothing went wrong. */
export function expectQuietPage(watched: WatchedPage | null, url: string): void {
  const { complaints = ['nothing was watched'], requests = [] } = watched ?? {};
  expect(complaints).toEqual([]);
  const outside = requests.filter((request) => !/^(blob:|data:)/.test(request) && !request.startsWith(url));
  expect(outside).toEqual([]);
  expect(requests.some((request) => request.endsWith('/evaluate'))).toBe(true);
}

/** Bytes of a file that the page saves when its button is pressed. */
export async function downloaded(page: Page, name: string): Promise<Uint8Array> {
  const saving = page.waitForEvent('download');
  await page.getByRole('button', { name, exact: true }).click();
  const saved = await saving;
  expect(saved.suggestedFilename()).toBe(name);
  return new Uint8Array(readFileSync(await saved.path()));
}

/** Moves the cursor by keys until it is at a place of the output; gives the line that it reads there. */
export async function readAt(page: Page, row: number, column: number): Promise<string> {
  const panels = page.locator('#panels');
  await panels.focus();
  const line = page.locator('#cursor-line');
  for (let tries = 0; tries < 200; tries++) {
    const text = await line.innerText();
    const [, atRow = '', atColumn = ''] = /^row (\d+), column (\d+):/.exec(text) ?? [];
    const [down, right] = [row - Number(atRow), column - Number(atColumn)];
    if (down === 0 && right === 0) return text;
    const [far, key] =
      down === 0
        ? [Math.abs(right), right > 0 ? 'ArrowRight' : 'ArrowLeft']
        : [Math.abs(down), down > 0 ? 'ArrowDown' : 'ArrowUp'];
    await page.keyboard.press(far >= 10 ? `Shift+${key}` : key);
  }
  throw new Error(`the cursor does not reach row ${row}, column ${column}`);
}
