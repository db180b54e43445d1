import { join } from 'node:path';
import { build } from 'vite';
import type { ModelToServe, ToServe } from '../../src/server/models.ts';
import { startService } from '../../src/server/service.ts';
import type { Service } from '../../src/server/service.ts';
import { defaultSettings } from '../../src/server/settings.ts';
import { PLAIN_HOST } from '../support/chromium.ts';
import { colour, deep, grey, rotated } from './pagePlans.ts';

const root = join(import.meta.dirname, '..', '..');

/** Builds the page into `pageFolder` and serves it, with all the plans of the tests, and models. */
export async function servePage(pageFolder: string, models: readonly ModelToServe[] = []): Promise<Service> {
  const plans = [grey, colour, rotated, deep].map(({ stored }) => stored);
  return await servePageOf(pageFolder, { plans, models });
}

/** Builds the page into `pageFolder` and serves it with these. */
export async function servePageOf(pageFolder: string, { plans, models }: ToServe): Promise<Service> {
  await build({
    configFile: join(root, 'vite.config.ts'),
    root: join(root, 'src', 'page'),
    logLevel: 'error',
    build: { outDir: pageFolder },
  });
  const settings = {
    ...defaultSettings(),
    port: 0,
    workers: 1,
    keysMemoryBytes: 2 ** 26,
    pageFolder,
    allowedHosts: [PLAIN_HOST],
  };
  return await startService(plans, settings, () => undefined, models);
}
