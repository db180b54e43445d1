import { closeSync, constants, fstatSync, openSync, readFileSync, realpathSync, statSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { open, readFile, stat } from 'node:fs/promises';
import { isAbsolute, join, relative, sep } from 'node:path';
import type { Readable } from 'node:stream';

/**
 * What may be opened. A path that a search, a config or a model leads to must be a regular file: a device or a pipe never
 * ends, or blocks. A path that the user named may be a pipe too, read up to a limit. Nothing is opened before it is known
 * what it is.
 */

/** Most bytes that are read of a pipe or of stdin: 512 MiB. */
export const LARGEST_STREAM_BYTES = 2 ** 29;

/** The path is no regular file, though it would have to be one. */
class NotRegularError extends Error {}

/** The reason why `stats` are not of a regular file; null when they are. */
function irregularity(stats: Stats): string | null {
  if (stats.isFile()) return null;
  if (stats.isDirectory()) return 'it is a folder';
  if (stats.isFIFO()) return 'it is a pipe, not a regular file';
  if (stats.isSocket()) return 'it is a socket, not a regular file';
  return 'it is a device, not a regular file';
}

function requireRegularStats(stats: Stats): void {
  const reason = irregularity(stats);
  if (reason !== null) throw new NotRegularError(reason);
}

/**
 * For paths that nobody named.
 * @throws NotRegularError, or what `stat` throws.
 */
export async function requireRegular(path: string): Promise<void> {
  requireRegularStats(await stat(path));
}

/** A regular file, open for reading; whoever gets it closes it. */
export interface RegularFile {
  readonly descriptor: number;
  readonly size: number;
}

/**
 * Opens a path that nobody named.
 * @throws NotRegularError, or what the file system throws.
 */
export function openRegularSync(path: string): RegularFile {
  requireRegularStats(statSync(path));
  // Should it become a pipe meanwhile, opening it does not wait for a writer.
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stats = fstatSync(descriptor);
    requireRegularStats(stats);
    return { descriptor, size: stats.size };
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

/** The bytes of a path that nobody named. Throws as `openRegularSync` does. */
export function readRegularSync(path: string): Uint8Array {
  const { descriptor } = openRegularSync(path);
  try {
    return readFileSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * The bytes of a path that the user named: a regular file, or a pipe or socket up to `LARGEST_STREAM_BYTES`.
 * @throws NotRegularError for folders and devices, and what the file system throws.
 */
export async function readNamed(path: string): Promise<Uint8Array> {
  const stats = await stat(path);
  if (stats.isFile()) return readFile(path);
  if (!stats.isFIFO() && !stats.isSocket()) requireRegularStats(stats);
  const pipe = await open(path);
  try {
    return await readStream(pipe.createReadStream({ autoClose: false }), LARGEST_STREAM_BYTES);
  } finally {
    await pipe.close();
  }
}

/**
 * All bytes of a stream.
 * @throws Error when there are more than `limitBytes`; no more are read then.
 */
export async function readStream(stream: Readable, limitBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of stream) {
    if (!(chunk instanceof Uint8Array)) throw new TypeError('the stream is not in binary mode');
    length += chunk.length;
    if (length > limitBytes) throw new Error(`more than ${limitBytes} bytes came through a pipe`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Where a location that a file names leads to. */
export type Inside =
  | { readonly kind: 'inside'; readonly path: string }
  /** It is absolute, climbs out, or leads out through a link, which the reason says. */
  | { readonly kind: 'outside'; readonly reason: string };

/**
 * The file that `location` leads to from `folder`, links followed; it must lie below the folder, so that a config or a
 * model cannot make us read other files.
 * @throws what the file system throws for paths that lead nowhere.
 */
export function insideOf(folder: string, location: string): Inside {
  const parts = location.split(/[\\/]/);
  const isOut = location === '' || location.includes('\0') || parts.includes('..');
  if (isOut || isAbsolute(location) || /^([a-zA-Z]:|[\\/])/.test(location))
    return { kind: 'outside', reason: 'not a path below it' };
  const root = realpathSync(folder);
  const path = realpathSync(join(root, ...parts));
  const inner = relative(root, path);
  const leadsOut = inner === '' || inner === '..' || inner.startsWith(`..${sep}`) || isAbsolute(inner);
  return leadsOut ? { kind: 'outside', reason: 'a link that leads out of it' } : { kind: 'inside', path };
}
