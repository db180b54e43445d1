/** Reports in a real browser, from disk: they open, ask for nothing, answer pointer and keys, and say what the plan says. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { NETWORKS } from '../../bench/models/shapes.ts';
import type { Report } from '../../src/report/data/report.ts';
import { cipherconv } from '../cli/spawnCli.ts';
import { violationsOf } from '../support/axe.ts';
import { launchChromium, openWatched } from '../support/chromium.ts';
import type { WatchedPage } from '../support/chromium.ts';

const GAUSSIAN = 'examples/1-gaussian/gaussian.conv.json';
const screenshots = join(import.meta.dirname, '..', '..', 'out');

let folder: string;
let browser: Browser;
let watched: WatchedPage | null = null;

/** Reports by name, made before the tests. */
const files = { gaussian: '', slots: '', model: '', lint: '', overflow: '' };

function made(name: string, args: readonly string[], code = 0): string {
  const file = join(folder, `${name}.html`);
  const run = cipherconv([...args, '-o', file]);
  expect(run.code, run.stderr).toBe(code);
  return file;
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cipherconv-report-'));
  mkdirSync(screenshots, { recursive: true });
  const model = join(folder, 'resnet-8.onnx');
  writeFileSync(model, NETWORKS.find(({ name }) => name === 'resnet-8')?.encode() ?? new Uint8Array());
  files.gaussian = made('gaussian', ['report', GAUSSIAN]);
  files.slots = made('slots', ['report', GAUSSIAN, '--lowering', 'diagonals']);
  files.model = made('model', ['report', model, '-q', '--protocol', 'standard']);
  files.overflow = made('overflow', ['report', 'examples/3-overflow/overflow.conv.json'], 1);
  files.lint = join(folder, 'lint.html');
  writeFileSync(files.lint, cipherconv(['lint', 'examples', '--format', 'html']).stdout);
  browser = await launchChromium();
});

afterAll(async () => {
  await browser.close();
  rmSync(folder, { recursive: true, force: true });
});

afterEach(async () => {
  await watched?.close();
  watched = null;
});

async function open(file: string, options: BrowserContextOptions = {}): Promise<Page> {
  const url = pathToFileURL(file).href;
  watched = await openWatched(browser, url, options);
  const { page, complaints, requests } = watched;
  expect(complaints).toEqual([]);
  expect(requests).toEqual([url]);
  return page;
}

function dataOf(args: readonly string[]): Report {
  const { stdout, code } = cipherconv(['report', ...args, '--json']);
  expect(code).toBe(0);
  return JSON.parse(stdout) as Report;
}

/** Points at the middle of a cell of a picture. */
async function pointAt(page: Page, kind: string, column: number, row: number): Promise<string> {
  const svg = page.locator(`svg[data-kind="${kind}"]`).first();
  await svg.scrollIntoViewIfNeeded();
  const at = await page.evaluate<{ x: number; y: number }>(`(() => {
    const matrix = document.querySelector('svg[data-kind="${kind}"]').getScreenCTM();
    const { x, y } = new DOMPoint(${column + 0.5}, ${row + 0.5}).matrixTransform(matrix);
    return { x, y };
  })()`);
  await page.mouse.move(at.x, at.y);
  return page.locator('[data-readout]').first().innerText();
}

describe('in every colour scheme and width', () => {
  const cases = Object.keys(files).flatMap((name) =>
    (['light', 'dark'] as const).flatMap((scheme) =>
      [1280, 390].map((width) => [name as keyof typeof files, scheme, width] as const),
    ),
  );
  it.each(cases)(
    '%s, %s, %d pixels wide: nothing sticks out, axe finds nothing',
    async (name, scheme, width) => {
      const page = await open(files[name], { colorScheme: scheme, viewport: { width, height: 900 } });
      await page.evaluate(
        `document.querySelectorAll('details').forEach((element) => { element.open = true; })`,
      );
      expect(
        await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth'),
      ).toBeLessThanOrEqual(0);
      expect(await violationsOf(page)).toEqual([]);
      await page.screenshot({
        path: join(screenshots, `report-${name}-${scheme}-${width}.png`),
        fullPage: true,
      });
    },
  );
});

describe.each([
  ['coefficients', 'gaussian', []],
  ['slots', 'slots', ['--lowering', 'diagonals']],
] as const)('the viewer, %s', (position, name, flags) => {
  it('names the cells that the plan has there', async () => {
    const page = await open(files[name]);
    const [layer] = dataOf([GAUSSIAN, ...flags]).layers;
    const packing = layer?.outcome.kind === 'encrypted' ? layer.outcome.packing : null;
    const run = packing?.upload.runs[2];
    const columns = packing?.rowPitch ?? 0;
    expect(run).toBeDefined();
    if (run === undefined) return;
    const said = await pointAt(page, 'upload', run.position % columns, Math.floor(run.position / columns));
    const [row, column] = [Math.floor((run.element % 784) / 28), run.element % 28];
    expect(said).toBe(
      `${position.slice(0, -1)} ${run.position} of the input: channel 0, row ${row}, column ${column}`,
    );
  });

  it('says of an output which products it sums, by pointer, slider and matrix alike', async () => {
    const page = await open(files[name]);
    const [layer] = dataOf([GAUSSIAN, ...flags]).layers;
    const packing = layer?.outcome.kind === 'encrypted' ? layer.outcome.packing : null;
    const columns = packing?.rowPitch ?? 0;
    const at = packing?.product?.position ?? 0;
    const said = await pointAt(page, 'result', at % columns, Math.floor(at / columns));
    const weights = [...said.matchAll(/(-?\d+) × x/g)].map(([, weight]) => Number(weight));
    expect(weights.toSorted()).toEqual([1, 1, 1, 1, 2, 2, 2, 2, 3]);
    expect(await page.locator('svg[data-kind="upload"] .mark').count()).toBeGreaterThanOrEqual(9);
    const slider = page.locator('[data-output]');
    expect(await slider.isVisible()).toBe(true);
    await slider.focus();
    await page.keyboard.press('Home');
    const corner = await page.locator('[data-readout]').innerText();
    expect(corner).toContain('Output channel 0, row 0, column 0 at');
    expect(corner.match(/×/g)).toHaveLength(4);
    expect(await pointAt(page, 'matrix', 29, 29)).toContain('times 3: tap (1, 1) of input channel 0');
    expect(await pointAt(page, 'matrix', 29, 500)).toContain('times 0');
  });

  it('computes the accumulator in its table', async () => {
    const page = await open(files[name]);
    const table = page.locator('table', { hasText: 'Worked example: the products that make output' });
    const sums = await table.locator('tbody td:last-child').allInnerTexts();
    expect(sums).toHaveLength(9);
    expect(sums.at(-1)).toBe('45');
    expect(await page.locator('.viewer').innerText()).toContain('decoded to 45');
  });
});

describe('a model', () => {
  it('shows a graph whose boxes lead to the layers, in the numbers of the plan', async () => {
    const page = await open(files.model);
    const layers = page.locator('details.layer');
    const count = await layers.count();
    expect(count).toBe(10);
    expect(await page.locator('.n-encrypted').count()).toBe(count);
    expect(await page.locator('details.layer[open]').count()).toBe(0);
    await page.locator('.graph a').nth(3).click();
    expect(await page.locator('#layer-3').getAttribute('open')).not.toBeNull();
    await page.getByRole('button', { name: 'Open all layers' }).click();
    expect(await page.locator('details.layer[open]').count()).toBe(count);
    const { layers: data } = dataOf([join(folder, 'resnet-8.onnx'), '-q', '--protocol', 'standard']);
    const rows = page.locator('#layers tbody tr');
    for (const [index, layer] of data.entries()) {
      const { outcome, name } = layer;
      expect(outcome.kind).toBe('encrypted');
      if (outcome.kind !== 'encrypted') continue;
      const cells = await rows.nth(index).locator('th, td').allInnerTexts();
      expect(cells.slice(0, 1)).toEqual([name]);
      expect(cells.slice(5, 7)).toEqual([
        String(outcome.parameters.degree),
        String(outcome.parameters.plainModulus),
      ]);
      expect(cells[7]).toBe((outcome.bytes.upload + outcome.bytes.response).toLocaleString('en-US'));
    }
  });

  it('is small', () => {
    expect(readFileSync(files.model).length).toBeLessThan(1e6);
  });
});

it('can be read without its script', async () => {
  const page = await open(files.gaussian, { javaScriptEnabled: false });
  const text = await page.locator('main').innerText();
  for (const said of ['[0, 45]', 't = 46', 'decoded to 45', 'Refused candidates'])
    expect(text).toContain(said);
  expect(await page.locator('[data-choice]').isVisible()).toBe(false);
});

it('runs no script of a hostile name', async () => {
  const config = JSON.parse(readFileSync(GAUSSIAN, 'utf8')) as object;
  const path = join(folder, 'hostile.conv.json');
  const name = `</title></script><script>document.title='taken'</script><img src=x onerror="document.title='taken'">`;
  writeFileSync(path, JSON.stringify({ ...config, name }));
  const page = await open(made('hostile', ['report', path]));
  expect(await page.title()).toBe(`${name}: cipherconv report`);
  expect(await page.locator('img').count()).toBe(0);
  expect(await page.locator('h1').innerText()).toBe(name);
});

describe('the command', () => {
  it('writes nothing over its source, and says what it cannot draw', () => {
    const config = join(folder, 'own.conv.json');
    const text = readFileSync(GAUSSIAN, 'utf8');
    writeFileSync(config, text);
    expect(cipherconv(['report', config, '-o', config]).code).toBe(2);
    expect(readFileSync(config, 'utf8')).toBe(text);
    const picture = cipherconv([
      'explain',
      join(folder, 'resnet-8.onnx'),
      '--picture',
      join(folder, 'x.svg'),
    ]);
    expect(picture.code).toBe(2);
    expect(picture.stderr).toContain('not supported yet: the picture of a whole model');
    const png = cipherconv(['explain', GAUSSIAN, '--picture', join(folder, 'x.png')]);
    expect(png.code).toBe(2);
    expect(png.stderr).toContain(`--picture ${join(folder, 'x.svg')}`);
    expect(existsSync(join(folder, 'x.png'))).toBe(false);
  });

  it('reports a model some of whose layers overflow, and ends with 1', () => {
    const args = ['report', join(folder, 'resnet-8.onnx'), '-q', '--accumulator-bits', '20', '--json'];
    const { code, stdout } = cipherconv(args);
    expect(code).toBe(1);
    const { totals, layers, findings } = JSON.parse(stdout) as Report;
    const overflowing = layers.filter(({ analysis }) => analysis.requiredBits > 20);
    expect(totals).toMatchObject({
      refused: overflowing.length,
      encrypted: 10 - overflowing.length,
      rounds: null,
    });
    expect(overflowing.length).toBeGreaterThan(0);
    expect(findings.filter(({ level }) => level === 'error')).toHaveLength(overflowing.length);
  });

  it('draws the sums of sample inputs inside the exact ranges', () => {
    const samples = join(folder, 'samples.json');
    const data = Array.from({ length: 2 * 28 * 28 }, (_, index) => (index * 7) % 4);
    writeFileSync(samples, JSON.stringify({ shape: [2, 1, 28, 28], data }));
    const seen = dataOf([GAUSSIAN, '--calibration', samples]).layers[0]?.analysis.tiers.calibrated;
    expect(seen?.samples).toBe(2 * 784);
    const html = cipherconv(['report', GAUSSIAN, '--calibration', samples]).stdout;
    expect(html).toContain(`[${seen?.channels[0]?.join(', ')}]`);
    expect(html).toContain('class="b-seen"');
  });
});
