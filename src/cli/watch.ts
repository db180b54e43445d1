import { stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { CipherconvError } from '../../compiler/base/errors.ts';
import { filesRead } from '../frontend/files.ts';
import { findSources } from '../lint/search.ts';
import { SETTINGS_FILE } from '../lint/settingsFiles.ts';
import { takeInterrupt } from './interrupt.ts';
import type { Terminal } from './terminal.ts';

/**
 * Linting again whenever a file changes. Files are looked at now and then: that holds for every file system, for files that
 * are replaced by a rename or vanish, and needs no watcher for each folder of a large tree.
 */

/** Milliseconds between two looks, at least. */
const INTERVAL = 300;
/** A look may take at most one part in so many of the time. */
const REST = 10;
/** Milliseconds that files have to stay the same before they are read: who writes may not be done. */
const QUIET = 80;
/** A file that is written on and on is read all the same. */
const MOST_QUIET_WAITS = 25;

interface Watched {
  readonly paths: readonly string[];
  readonly ignore: readonly string[];
}

/** Runs `lintOnce` at once and after every change, until an interrupt ends it well. What it refuses is told, and may change. */
export async function watchFiles(
  watched: Watched,
  lintOnce: () => Promise<unknown>,
  io: Terminal,
): Promise<void> {
  const ended = new AbortController();
  takeInterrupt(() => {
    ended.abort();
  });
  let before: Fingerprint = new Map();
  let round = 0;
  while (!ended.signal.aborted) {
    const started = performance.now();
    const now = await fingerprintOf(watched);
    if (round === 0 || !isSame(now, before)) {
      before = await settled(watched, now, ended.signal);
      if (round++ > 0) announce(io);
      await attempt(lintOnce);
      // It is known now which files were read. Of those that were known before, the next look sees what changed meanwhile.
      before = new Map([...(await fingerprintOf(watched)), ...before]);
      io.notice('watching for changes; Ctrl-C ends');
    }
    await pause(Math.max(INTERVAL, REST * (performance.now() - started)), ended.signal);
  }
}

/** @throws what is no mistake of a file: it will not change by itself */
async function attempt(lintOnce: () => Promise<unknown>): Promise<void> {
  try {
    await lintOnce();
  } catch (error) {
    if (!(error instanceof CipherconvError) || error.code === 'internal' || error.code === 'usage')
      throw error;
    process.stderr.write(`error: ${error.message}\n`);
  }
}

/** Waits until nobody writes any more. */
async function settled(watched: Watched, first: Fingerprint, signal: AbortSignal): Promise<Fingerprint> {
  let before = first;
  for (let count = 0; count < MOST_QUIET_WAITS && !signal.aborted; count++) {
    await pause(QUIET, signal);
    const now = await fingerprintOf(watched);
    if (isSame(now, before)) return now;
    before = now;
  }
  return before;
}

/** Ends early, and without an error, when the signal says so. */
async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await wait(milliseconds, undefined, { signal }).catch(() => undefined);
}

/** What tells of each file that it changed, by its path. */
type Fingerprint = ReadonlyMap<string, string>;

function isSame(left: Fingerprint, right: Fingerprint): boolean {
  return left.size === right.size && [...left].every(([path, state]) => right.get(path) === state);
}

/** Sources, what was read for them, and where settings may appear. */
async function fingerprintOf({ paths, ignore }: Watched): Promise<Fingerprint> {
  const sources = await findSources(paths, ignore).then(
    ({ found }) => found.map(({ path }) => path),
    () => [],
  );
  const folders = new Set<string>();
  for (const source of sources) {
    for (let folder = dirname(resolve(source)); !folders.has(folder); folder = dirname(folder))
      folders.add(folder);
  }
  const settings = [...folders].map((folder) => join(folder, SETTINGS_FILE));
  const files = [...new Set([...sources, ...filesRead(), ...settings])];
  return new Map(await Promise.all(files.map(async (path) => [path, await stateOf(path)] as const)));
}

async function stateOf(path: string): Promise<string> {
  try {
    const { size, mtimeNs, ino, ctimeNs } = await stat(path, { bigint: true });
    return [size, mtimeNs, ctimeNs, ino].join(' ');
  } catch {
    return 'missing';
  }
}

/** A terminal is scrolled to an empty page, so that what stood there is kept above; elsewhere a line parts the reports. */
function announce(io: Terminal): void {
  const { stdout } = process;
  if (stdout.isTTY && process.env['TERM'] !== 'dumb')
    stdout.write(`${'\n'.repeat(stdout.rows)}\u001b[H\u001b[J`);
  else io.notice(`--- ${new Date().toLocaleTimeString('en-GB')}: something changed`);
}
