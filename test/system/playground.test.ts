/** The playground, built and served as files: what is compiled in the browser is what Node compiles, what is run is right. */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { build } from 'vite';
import { convolve } from '../../runtime/clear/loops.ts';
import { compileConfig } from '../../src/compile.ts';
import { parseFilterConfig } from '../../src/frontend/config.ts';
import { encodeNpy, decodeNpy } from '../../src/frontend/npy.ts';
import { complete } from '../../src/hint.ts';
import { lintSource } from '../../src/lint/lintSource.ts';
import { sourceOf } from '../../src/lint/lintSources.ts';
import { filterReport } from '../../src/playground/reporting.ts';
import { examples } from '../../src/playground/examples.ts';
import { ROOT, temporaryFolder } from '../cli/spawnCli.ts';
import { residualModel } from '../model/models.ts';
import { violationsOf } from '../support/axe.ts';
import { launchChromium, openWatched } from '../support/chromium.ts';
import type { WatchedPage } from '../support/chromium.ts';
import { serveFiles } from '../support/fileServer.ts';
import { downloaded, readAt } from './pageActions.ts';

const folder = temporaryFolder();
const screenshots = join(ROOT, 'out');
const ends: (() => unknown)[] = [];
let browser: Browser;
let url: string;
let watched: WatchedPage | null = null;

beforeAll(async () => {
  browser = await launchChromium();
  ends.push(() => browser.close());
  await build({
    configFile: join(ROOT, 'vite.playground.config.ts'),
    root: join(ROOT, 'src', 'playground'),
    logLevel: 'error',
    build: { outDir: join(folder, 'playground') },
  });
  const files = await serveFiles(join(folder, 'playground'));
  ends.push(files.stop);
  ({ url } = files);
  mkdirSync(screenshots, { recursive: true });
});

afterAll(async () => {
  for (const end of ends.toReversed()) await end();
});

afterEach(async () => {
  await watched?.close();
  watched = null;
});

async function open(options: BrowserContextOptions = {}): Promise<Page> {
  watched = await openWatched(browser, `${url}/`, options);
  await ready(watched.page);
  return watched.page;
}

async function ready(page: Page): Promise<void> {
  await page.locator('#plan-status').filter({ hasText: 'Ready' }).waitFor();
}

async function run(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Encrypt and send' }).click();
  await page.locator('#result').waitFor();
}

async function write(page: Page, text: string): Promise<void> {
  await page.getByLabel('Filter config (JSON)').fill(text);
}

/** Nothing went wrong, and nobody was asked but the file server, for files of the playground. */
function expectQuiet(): void {
  expect(watched?.complaints).toEqual([]);
  const outside = (watched?.requests ?? ['none']).filter(
    (request) => !request.startsWith(url) && !/^(blob|data):/.test(request),
  );
  expect(outside).toEqual([]);
}

const example = (name: string): string => examples().find((one) => one.name === name)?.text ?? '';

describe('the playground', () => {
  it('shows an encrypted run at the first click, equal to the convolution in the clear', async () => {
    const page = await open();
    await run(page);
    await page.locator('#compare-status.equal').waitFor();
    expect(await page.locator('#compare-status').innerText()).toMatch(/^All 4,096 integers are equal/);
    const { spec } = parseFilterConfig(example('gaussian'));
    const input = decodeNpy(await downloaded(page, 'input.npy'), 'input.npy');
    const output = decodeNpy(await downloaded(page, 'output.npy'), 'output.npy');
    expect(new Set(input.data).size).toBeGreaterThan(3);
    expect([...output.data]).toEqual([...convolve(spec, input).data]);
    const value = output.data[10 * 64 + 20] ?? NaN;
    expect(await readAt(page, 10, 20)).toBe(
      `row 10, column 20: ${value} came back, ${value} in the clear, difference 0`,
    );
    expectQuiet();
  });

  it('compiles as Node does: digest, findings, explanation; the server is sent ciphertexts only', async () => {
    const page = await open();
    const config = parseFilterConfig(example('gaussian'), { file: 'filter.conv.json' });
    const { plan } = await complete(compileConfig(config));
    expect(await page.locator('#plan-facts').innerText()).toContain(plan.digest);
    const { findings } = lintSource(sourceOf(config));
    const shown = await page.locator('#findings li:not(.good)').allInnerTexts();
    expect(shown).toHaveLength(findings.length);
    findings.forEach(({ message }, at) => {
      expect(shown[at]).toContain(message);
    });
    await page.locator('summary').filter({ hasText: 'Parameters' }).click();
    expect(await page.locator('#sections details[open]').innerText()).toContain(
      `N = ${plan.plan.parameters.degree}, t = ${plan.plan.parameters.plainModulus}`,
    );
    await run(page);
    const asked = await page.locator('#asked tr').allInnerTexts();
    const short = plan.digest.slice(0, 12);
    expect(asked).toHaveLength(2);
    const [upload, response] = [plan.plan.bytes.upload + 40, plan.plan.bytes.response + 40].map((bytes) =>
      bytes.toLocaleString('en'),
    );
    expect(asked[0]).toMatch(
      new RegExp(`POST /v1/plans/${short}\\.\\.\\./evaluate\\s+200\\s+${upload}\\s+${response}`),
    );
    expect(asked[1]).toMatch(new RegExp(`GET /v1/plans/${short}\\.\\.\\.\\s+200\\s+0\\s`));
    expectQuiet();
  });

  it('shows the report, in a frame of its own, as the command line makes it; of what overflows too', async () => {
    const page = await open();
    await page.locator('#report summary').click();
    const frame = page.frameLocator('#report-frame');
    const config = parseFilterConfig(example('gaussian'), { file: 'filter.conv.json' });
    const { plan } = await complete(compileConfig(config));
    await frame.locator('.digest').filter({ hasText: plan.digest }).waitFor();
    await frame.locator('#findings').getByText('0 errors').waitFor();
    const saved = Buffer.from(await downloaded(page, 'report.html')).toString();
    expect(saved).toBe(filterReport(config, lintSource(sourceOf(config)), { plan }));
    // Its style counts, and its script runs: neither is stopped by the policy around it.
    const [ground, padding] = await frame.locator('body').evaluate((body) => {
      const style = (
        globalThis as unknown as { getComputedStyle: (of: unknown) => Record<string, string> }
      ).getComputedStyle(body);
      return [style['backgroundColor'], style['margin']];
    });
    expect([ground, padding]).not.toEqual(['rgba(0, 0, 0, 0)', '8px']);
    await page.getByLabel('Begin with').selectOption('an accumulator that overflows');
    // What is out of sight is not laid out.
    await page.locator('#compile-alert').waitFor();
    await page.locator('#report-frame').scrollIntoViewIfNeeded();
    await frame.locator('#findings').getByText('1 error').waitFor({ state: 'attached' });
    expectQuiet();
  });

  it('says where a config is wrong and what overflows, and goes on when it is mended', async () => {
    const page = await open();
    await write(page, '{ "version": 1,\n  oops }');
    await page.locator('#compile-alert').filter({ hasText: 'filter.conv.json:2:3' }).waitFor();
    expect(await page.locator('#run').isDisabled()).toBe(true);
    await page.getByLabel('Begin with').selectOption('an accumulator that overflows');
    await page.locator('#findings .error').filter({ hasText: 'accumulator-overflow' }).waitFor();
    await page.locator('#compile-alert').filter({ hasText: 'overflow' }).waitFor();
    await page.locator('#findings .error button').click();
    const caret = await page.evaluate<string>(
      `document.getElementById('config').value.slice(document.getElementById('config').selectionStart)`,
    );
    expect(caret.startsWith('"bits"') || /^\d/.test(caret)).toBe(true);
    await write(page, example('gaussian').replace('"name": "gaussian3x3"', '"name": "mine"'));
    await ready(page);
    await run(page);
    await page.locator('#compare-status.equal').waitFor();
    expectQuiet();
  });

  it.each([
    ['toeplitz', 'hint'],
    ['diagonals', 'standard'],
  ] as const)('runs %s with the protocol %s', async (lowering, protocol) => {
    const page = await open();
    await page.getByLabel('Begin with').selectOption('sobel');
    await page.locator('#lowering').selectOption(lowering);
    await page.locator('#protocol').selectOption(protocol);
    await page
      .locator('#plan-facts')
      .filter({ hasText: `${lowering} lowering` })
      .waitFor();
    await ready(page);
    await run(page);
    await page.locator('#compare-status.equal').waitFor();
    const asked = await page.locator('#asked').innerText();
    expect(asked.includes('/hint')).toBe(protocol === 'hint');
    expect(asked.includes('/evaluation-keys')).toBe(lowering === 'diagonals');
    expect(await page.getByLabel('Output channel').locator('option').count()).toBe(2);
    expectQuiet();
  });

  it('takes a config whose weights are in a file beside it', async () => {
    const page = await open();
    const config = JSON.parse(example('box')) as { name: string; weights: { values: unknown } };
    config.name = 'beside';
    config.weights.values = { npy: 'weights.npy' };
    const npy = encodeNpy({ shape: [1, 1, 3, 3], data: Float64Array.from({ length: 9 }, () => 1) });
    await page.locator('#open-file').setInputFiles([
      { name: 'beside.conv.json', mimeType: 'application/json', buffer: Buffer.from(JSON.stringify(config)) },
      { name: 'weights.npy', mimeType: 'application/octet-stream', buffer: Buffer.from(npy) },
    ]);
    await ready(page);
    await run(page);
    await page.locator('#compare-status.equal').waitFor();
    expectQuiet();
  });

  it('compiles and runs a whole ONNX model, equal to its network in the clear', async () => {
    const page = await open();
    await page.evaluate(`{
      globalThis.said = [];
      const status = document.getElementById('plan-status');
      new MutationObserver(() => globalThis.said.push(status.textContent)).observe(status, { childList: true });
    }`);
    await page.locator('#open-file').setInputFiles({
      name: 'residual.onnx',
      mimeType: 'application/octet-stream',
      buffer: Buffer.from(residualModel()),
    });
    await page.locator('#plan-facts').filter({ hasText: 'rounds' }).waitFor();
    await ready(page);
    await run(page);
    await page.locator('#compare-status.equal').waitFor();
    expect(await page.evaluate<string[]>('globalThis.said')).toContainEqual(
      expect.stringMatching(/^Compiling layer 1 of \d+\.$/),
    );
    expect(await page.locator('#compare-status').innerText()).toMatch(/outputs are equal to the network/);
    expect(await page.locator('#panels figure').count()).toBe(2);
    expect(await page.locator('#asked').innerText()).toMatch(
      /POST \/v1\/models\/[0-9a-f]{12}\.\.\.\/layers\/0\/evaluate/,
    );
    await page.getByLabel('Begin with').selectOption('box');
    await page.locator('#plan-facts').filter({ hasText: 'toeplitz lowering' }).waitFor();
    await ready(page);
    expectQuiet();
  });

  it.each([
    ['light', 1280],
    ['dark', 1280],
    ['light', 390],
    ['dark', 390],
  ] as const)('fits, and axe finds nothing, %s, %i wide', async (colorScheme, width) => {
    const page = await open({ colorScheme, viewport: { width, height: 840 } });
    await page.getByLabel('Begin with').selectOption('sobel');
    await page.locator('#plan-facts').filter({ hasText: '2 x 3 x 3' }).waitFor();
    await ready(page);
    for (const title of ['Accumulator', 'Packing'])
      await page.locator('#sections summary').filter({ hasText: title }).click();
    await page.locator('#report summary').click();
    await page.frameLocator('#report-frame').locator('.digest').waitFor();
    await run(page);
    await page.locator('#compare-status.equal').waitFor();
    const overhang = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
    expect(await page.evaluate<number>(overhang)).toBe(0);
    expect(await violationsOf(page)).toEqual([]);
    await page.screenshot({
      path: join(screenshots, `playground-${colorScheme}-${width}.png`),
      fullPage: true,
    });
    await page.locator('#report-frame').scrollIntoViewIfNeeded();
    await page.frameLocator('#report-frame').locator('.digest').waitFor();
    await page.screenshot({ path: join(screenshots, `playground-report-${colorScheme}-${width}.png`) });
  });

  it('has the policy of the page, and keeps it', async () => {
    const html = readFileSync(join(folder, 'playground', 'index.html'), 'utf8');
    const [, policy = ''] = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(html) ?? [];
    const hash = "'sha256-[\\w+/=]{44}'";
    expect(policy).toMatch(
      new RegExp(
        `^default-src 'none'; script-src 'self' 'wasm-unsafe-eval' ${hash}; style-src 'self' ${hash}; `,
      ),
    );
    expect(html).not.toMatch(/<style|\sstyle=|\son\w+=/);
    const page = await open();
    await page.evaluate(
      "document.body.append(Object.assign(document.createElement('script'), { text: '1' }))",
    );
    expect(watched?.complaints.join()).toContain('Content Security Policy');
  });
});
