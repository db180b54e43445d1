import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { convolve } from '../../runtime/clear/loops.ts';
import { connectPlan, folderHintCache } from '../../src/client/index.ts';
import type { ConnectOptions, Fetch } from '../../src/client/index.ts';
import { planCore } from '../../src/frontend/planFile.ts';
import { computeHint } from '../../src/hint.ts';
import { startService } from '../../src/server/service.ts';
import type { Service } from '../../src/server/service.ts';
import { defaultSettings } from '../../src/server/settings.ts';
import { compileToeplitz } from '../support/compile.ts';
import { simpleSpec } from '../support/simple.ts';
import { randomInput } from '../support/specs.ts';

const plan = compileToeplitz(simpleSpec(), { protocol: 'hint' });
const input = randomInput(plan.spec, 3);
const folder = mkdtempSync(join(tmpdir(), 'cipherconv-connect-'));
let service: Service;
let digest: string;

beforeAll(async () => {
  const stored = (await computeHint(planCore(plan, 'NCHW'))).plan;
  digest = stored.digest;
  service = await startService([stored], { ...defaultSettings(), port: 0, workers: 1 }, () => undefined);
});

afterAll(async () => {
  await service.stop();
  rmSync(folder, { recursive: true });
});

/** Notes what is asked for; `change` may answer otherwise. */
function watched(change: (response: Response, url: string) => Response | Promise<Response> = (r) => r): {
  fetch: Fetch;
  asked: { url: string; body: Uint8Array | null }[];
} {
  const asked: { url: string; body: Uint8Array | null }[] = [];
  const own: Fetch = async (url, init) => {
    asked.push({ url, body: init.body instanceof Uint8Array ? init.body.slice() : null });
    return change(await fetch(url, init), url);
  };
  return { fetch: own, asked };
}

async function inferred(options: ConnectOptions): Promise<void> {
  using remote = await connectPlan(service.url, digest, options);
  remote.prepare(2);
  for (let round = 0; round < 3; round++)
    expect(await remote.infer(input)).toEqual(convolve(plan.spec, input));
}

describe('connect to a plan with a hint', () => {
  it('downloads the hint once, and infers with keys prepared ahead and without', async () => {
    const hintCache = folderHintCache(join(folder, 'once'));
    const { fetch, asked } = watched();
    await inferred({ hintCache, fetch });
    await inferred({ hintCache, fetch });
    expect(asked.filter(({ url }) => url.endsWith('/hint')).length).toBe(1);
    expect(readdirSync(join(folder, 'once')).length).toBe(1);
  });

  it('never sends two uploads that are alike, but for a request that is sent again', async () => {
    let refused = false;
    const { fetch, asked } = watched((response, url) => {
      if (refused || !url.endsWith('/evaluate')) return response;
      refused = true;
      return new Response(null, { status: 503, headers: { 'retry-after': '0' } });
    });
    await inferred({ hintCache: null, fetch });
    const uploads = asked.flatMap(({ body }) =>
      body === null ? [] : [Buffer.from(body).toString('base64')],
    );
    expect(uploads.length).toBe(4);
    expect(uploads[0]).toBe(uploads[1]);
    expect(new Set(uploads).size).toBe(3);
  });

  it('refuses another hint than the plan says', async () => {
    const { fetch } = watched(async (response, url) => {
      if (!url.endsWith('/hint')) return response;
      const bytes = new Uint8Array(await response.arrayBuffer());
      return new Response(bytes.fill(bytes.at(-1)! ^ 1, -1));
    });
    const connecting = connectPlan(service.url, digest, { hintCache: null, fetch });
    await expect(connecting).rejects.toMatchObject({
      code: 'malformed-message',
      details: { message: 'this is not the hint that the plan was made with' },
    });
  });
});
