import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { encodeMessage } from '../../runtime/wire/message.ts';
import { defaultHintCache, folderHintCache } from '../../src/client/hintCache.ts';
import type { HintCache } from '../../src/client/hintCache.ts';
import { fetchHint } from '../../src/client/hintDownload.ts';
import type { AskForHint } from '../../src/client/hintDownload.ts';
import type { ClientPlan } from '../../src/frontend/clientPlan.ts';

const DIGEST = 'ab'.repeat(32);
const payload = Uint8Array.from({ length: 5000 }, (_, index) => (index * 7919) & 255);
const message = encodeMessage('hint', DIGEST, [payload]);
const sha256 = createHash('sha256').update(payload).digest('hex');
const hint = { sha256, bytes: payload.length };
// Nothing else of a plan is looked at.
const plan = { digest: DIGEST, hint } as ClientPlan;

const folder = mkdtempSync(join(tmpdir(), 'cipherconv-hints-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** A body of these chunks, which then ends or breaks off. */
function bodyOf(chunks: readonly Uint8Array[], breaks = false): ReadableStream<Uint8Array> {
  const rest = [...chunks];
  return new ReadableStream({
    pull: (controller) => {
      const next = rest.shift();
      if (next !== undefined) controller.enqueue(next);
      else if (breaks) {
        // At once it would take back what has not been read yet.
        setTimeout(() => {
          controller.error(new Error('connection reset'));
        }, 1);
      } else controller.close();
    },
  });
}

/** Answers one after the other; what was asked for is noted. */
function answers(...list: readonly (() => Response)[]): { ask: AskForHint; asked: Record<string, string>[] } {
  const asked: Record<string, string>[] = [];
  const ask: AskForHint = (headers) => {
    asked.push({ ...headers });
    const answer = list[Math.min(asked.length, list.length) - 1];
    return answer === undefined ? Promise.reject(new Error('nobody')) : Promise.resolve(answer());
  };
  return { ask, asked };
}

const rest =
  (from: number, breaks = false, to = message.length) =>
  (): Response =>
    new Response(bodyOf([message.subarray(from, to)], breaks), {
      status: 206,
      headers: { 'content-range': `bytes ${from}-${message.length - 1}/${message.length}` },
    });

const whole = (): Response => new Response(message);
const cutAt =
  (end: number, breaks = true) =>
  (): Response =>
    new Response(bodyOf([message.subarray(0, end)], breaks));

function fetched(ask: AskForHint, cache: HintCache | null = null): Promise<Uint8Array> {
  return fetchHint(plan, ask, cache, null);
}

describe('a hint that is downloaded', () => {
  it('is the payload, in one answer', async () => {
    const { ask, asked } = answers(whole);
    expect(await fetched(ask)).toEqual(payload);
    expect(asked).toEqual([{}]);
  });

  it.each([true, false])('goes on where it broke off (with an error: %s)', async (breaks) => {
    const { ask, asked } = answers(cutAt(100, breaks), rest(100, breaks, 250), rest(250));
    expect(await fetched(ask)).toEqual(payload);
    expect(asked).toEqual([
      {},
      { Range: 'bytes=100-', 'If-Range': `"${sha256}"` },
      { Range: 'bytes=250-', 'If-Range': `"${sha256}"` },
    ]);
  });

  it('begins again where the server sends all of it, or another part than the rest', async () => {
    expect(await fetched(answers(cutAt(100), whole).ask)).toEqual(payload);
    // Taken for what it is not, the second answer would be put behind the first.
    const wrong = (): Response =>
      new Response(message.slice(0, 50), {
        status: 206,
        headers: { 'content-range': 'bytes 0-49/5040' },
      });
    expect(await fetched(answers(cutAt(100), wrong, whole).ask)).toEqual(payload);
  });

  it('is refused when it stays cut off, after a bounded number of answers', async () => {
    for (const list of [[cutAt(100), rest(100, true, 100)], [cutAt(0)], [cutAt(100), cutAt(50)]]) {
      const { ask, asked } = answers(...list);
      await expect(fetched(ask)).rejects.toMatchObject({
        code: 'server',
        details: { where: 'hint', message: 'the hint is cut off' },
      });
      expect(asked.length).toBeLessThanOrEqual(8);
    }
  });

  it('is refused when it is too long, and no more is read than it has', async () => {
    let read = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        read += 1000;
        controller.enqueue(new Uint8Array(1000));
      },
    });
    await expect(fetched(() => Promise.resolve(new Response(endless)))).rejects.toMatchObject({
      code: 'server',
      details: { message: 'the answer is too long' },
    });
    expect(read).toBeLessThan(3 * message.length);
  });

  it.each<[string, (bytes: Uint8Array) => Uint8Array, string]>([
    ['a bit of the payload flipped', (bytes) => bytes.fill(bytes[77]! ^ 1, 77, 78), 'malformed-message'],
    ['another digest', (bytes) => bytes.fill(0, 8, 9), 'wrong-plan'],
    ['version 1', (bytes) => bytes.fill(1, 4, 5), 'malformed-message'],
    ['the kind of a response', (bytes) => bytes.fill(2, 5, 6), 'malformed-message'],
  ])('is refused with %s, and not kept', async (_, change, code) => {
    const cache = folderHintCache(join(folder, 'never'));
    const bytes = change(message.slice()) as Uint8Array<ArrayBuffer>;
    await expect(fetched(answers(() => new Response(bytes)).ask, cache)).rejects.toMatchObject({ code });
    expect(await cache.read(hint).catch(() => null)).toBeNull();
  });

  it('says what the server refused with', async () => {
    const problem = (): Response =>
      Response.json({ type: 'urn:x:unknown-plan', title: 'No such plan' }, { status: 404 });
    await expect(fetched(answers(problem).ask)).rejects.toMatchObject({ code: 'server', status: 404 });
  });

  it('ends with its signal', async () => {
    const reason = new Error('enough');
    const asking = fetchHint(plan, answers(whole).ask, null, AbortSignal.abort(reason));
    await expect(asking).rejects.toBe(reason);
  });
});

describe('a hint that is kept', () => {
  it('is downloaded once, and kept for its owner alone', async () => {
    const own = join(folder, 'own');
    const cache = folderHintCache(own);
    const { ask, asked } = answers(whole);
    expect(await fetched(ask, cache)).toEqual(payload);
    expect(await fetched(ask, cache)).toEqual(payload);
    expect(asked.length).toBe(1);
    expect(readdirSync(own)).toEqual([`${sha256}.hint`]);
    expect(new Uint8Array(readFileSync(join(own, `${sha256}.hint`)))).toEqual(payload);
    if (process.platform !== 'win32') expect(statSync(join(own, `${sha256}.hint`)).mode & 0o777).toBe(0o600);
  });

  it.each([
    ['a bit flipped', payload.map((byte, index) => (index === 3 ? byte ^ 1 : byte))],
    ['cut off', payload.subarray(0, 10)],
    ['too long', new Uint8Array(6000)],
  ])('is downloaded anew, and mended, with %s', async (name, bytes) => {
    const own = join(folder, `damaged ${name}`);
    const cache = folderHintCache(own);
    await fetched(answers(whole).ask, cache);
    writeFileSync(join(own, `${sha256}.hint`), bytes);
    const { ask, asked } = answers(whole);
    expect(await fetched(ask, cache)).toEqual(payload);
    expect(asked.length).toBe(1);
    expect(new Uint8Array(readFileSync(join(own, `${sha256}.hint`)))).toEqual(payload);
  });

  it('needs no place to keep it', async () => {
    const file = join(folder, 'no-folder');
    writeFileSync(file, '');
    expect(await fetched(answers(whole).ask, folderHintCache(join(file, 'hints')))).toEqual(payload);
  });

  it.runIf(process.platform === 'linux').each([
    ['nothing', undefined, '.cache'],
    ['an empty text', '', '.cache'],
    ['no whole path', 'relative', '.cache'],
    ['a whole path', join(folder, 'set'), 'set'],
  ])('lies in the cache folder of the user where XDG_CACHE_HOME says %s', async (_, value, below) => {
    vi.stubEnv('HOME', folder);
    vi.stubEnv('XDG_CACHE_HOME', value);
    try {
      await defaultHintCache()?.write({ sha256, bytes: payload.length }, payload);
    } finally {
      vi.unstubAllEnvs();
    }
    const file = join(folder, below, 'cipherconv', 'hints', `${sha256}.hint`);
    expect(new Uint8Array(readFileSync(file))).toEqual(payload);
    rmSync(file);
  });
});
