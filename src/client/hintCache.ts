import type { PlanHint } from '../frontend/planDigest.ts';

/**
 * Where hints are kept between programs, by their hash. What is in it is checked again when it is read, so it need not be
 * trusted; and it is only a cache: what cannot be read or written is downloaded again.
 */
export interface HintCache {
  /** The bytes that were written for this hint, or null for none. They may be wrong. */
  read(hint: PlanHint): Promise<Uint8Array | null>;
  /** Keeps the bytes of a hint. */
  write(hint: PlanHint, payload: Uint8Array): Promise<void>;
}

/** Name of the browser's cache, and an address below which nothing is ever asked. */
const CACHE_NAME = 'cipherconv-hints-1';
const CACHE_URL = 'https://cipherconv.invalid/hints/';

/**
 * A folder in Node; made when something is written, readable to its owner alone. Node's modules come without an import,
 * which bundlers for browsers would follow.
 */
export function folderHintCache(folder: string): HintCache {
  const { mkdir, open, readFile, rename, rm, stat } = process.getBuiltinModule('node:fs/promises');
  const { join } = process.getBuiltinModule('node:path');
  const fileOf = ({ sha256 }: PlanHint): string => join(folder, `${sha256}.hint`);
  return {
    read: async (hint) => {
      const file = fileOf(hint);
      // Whatever lies there: no more is read than a hint has.
      if ((await stat(file)).size !== hint.bytes) return null;
      return new Uint8Array(await readFile(file));
    },
    write: async (hint, payload) => {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const temporary = `${fileOf(hint)}.${process.pid}-${crypto.randomUUID()}`;
      try {
        const handle = await open(temporary, 'wx', 0o600);
        try {
          await handle.writeFile(payload);
        } finally {
          await handle.close();
        }
        await rename(temporary, fileOf(hint));
      } catch (error) {
        await rm(temporary, { force: true });
        throw error;
      }
    },
  };
}

/** The Cache API of browsers, which pages of one origin share; only there in secure contexts. */
function browserHintCache({ open }: { readonly open: (name: string) => Promise<Cache> }): HintCache {
  return {
    read: async ({ sha256, bytes }) => {
      const kept = await (await open(CACHE_NAME)).match(`${CACHE_URL}${sha256}`);
      if (kept?.headers.get('content-length') !== String(bytes)) return null;
      return new Uint8Array(await kept.arrayBuffer());
    },
    write: async ({ sha256, bytes }, payload) => {
      // A view on shared memory is no body; a hint never is.
      const kept = new Response(payload as Uint8Array<ArrayBuffer>, {
        headers: { 'content-length': String(bytes) },
      });
      await (await open(CACHE_NAME)).put(`${CACHE_URL}${sha256}`, kept);
    },
  };
}

/** The part of the Cache API that is used; Node declares none. */
interface Cache {
  match(url: string): Promise<Response | undefined>;
  put(url: string, response: Response): Promise<void>;
}

/** A browser's, where it has one; in Node a folder `cipherconv/hints` where the system keeps caches; otherwise none. */
export function defaultHintCache(): HintCache | null {
  const { caches, process: node } = globalThis as {
    readonly caches?: { open(name: string): Promise<Cache> };
    readonly process?: NodeJS.Process;
  };
  if (node?.versions.node !== undefined) {
    const folder = cacheFolder(node);
    return folder === null ? null : folderHintCache(folder);
  }
  return caches === undefined ? null : browserHintCache({ open: (name) => caches.open(name) });
}

/** Where the user's programs keep caches, by the custom of the system. What is no whole path counts as not set there. */
function cacheFolder({ env, platform }: NodeJS.Process): string | null {
  const { isAbsolute, join } = process.getBuiltinModule('node:path');
  const home = process.getBuiltinModule('node:os').homedir();
  if (home === '') return null;
  const setOr = (name: string, folder: string): string => {
    const value = env[name] ?? '';
    return isAbsolute(value) ? value : folder;
  };
  const above: Partial<Record<NodeJS.Platform, string>> = {
    darwin: join(home, 'Library', 'Caches'),
    win32: setOr('LOCALAPPDATA', join(home, 'AppData', 'Local')),
  };
  return join(above[platform] ?? setOr('XDG_CACHE_HOME', join(home, '.cache')), 'cipherconv', 'hints');
}
