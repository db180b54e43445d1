import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';

/** Debian's, or another one that CHROMIUM names. */
const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium';

/** Another machine's name for this one: pages of it are no secure context, as over plain http in a network. */
export const PLAIN_HOST = 'plain-http.test';

const ARGUMENTS = [
  '--no-sandbox',
  '--disable-dev-shm-usage',
  `--host-resolver-rules=MAP ${PLAIN_HOST} 127.0.0.1`,
  // A camera that shows a test picture, and that everyone may use.
  '--use-fake-device-for-media-stream',
  '--use-fake-ui-for-media-stream',
];

/**
 * A headless Chromium of the system.
 * @throws Error saying what to install when there is none.
 */
export function launchChromium(): Promise<Browser> {
  if (!existsSync(CHROMIUM)) {
    throw new Error(`no Chromium at ${CHROMIUM}: apt-get install chromium, or set CHROMIUM to the program`);
  }
  return chromium.launch({ executablePath: CHROMIUM, args: ARGUMENTS });
}

/** A page, and everything about it that should not have happened. */
export interface WatchedPage {
  readonly page: Page;
  /** Errors and warnings of the console (broken content policies too), and exceptions that nobody caught. */
  readonly complaints: readonly string[];
  /** Every address that was asked for, by the page or its workers. */
  readonly requests: readonly string[];
  close(): Promise<void>;
}

export async function openWatched(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<WatchedPage> {
  const context = await browser.newContext({ viewport: { width: 1100, height: 900 }, ...options });
  const page = await context.newPage();
  const complaints: string[] = [];
  const requests: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  context.on('request', (request) => requests.push(request.url()));
  await page.goto(url);
  return { page, complaints, requests, close: () => context.close() };
}
