import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { constants } from 'node:fs';
import { access, link, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { CipherconvError } from '../../compiler/base/errors.ts';
import { refuseLfsPointer } from './lfsPointer.ts';
import { decodeText, requireTextLength } from './text.ts';
import { LARGEST_STREAM_BYTES, readNamed, readStream, requireRegular } from './regularFiles.ts';

/** Reading and writing whole files. `-` is stdin or stdout. Nothing is ever left half-written. */

export const STANDARD_STREAM = '-';

/** How messages call a file. */
export function displayName(path: string): string {
  return path === STANDARD_STREAM ? 'stdin' : path;
}

/** Files that were read and must not be written over; null where nobody asked for that. */
let inputs: Set<string> | null = null;

/** From now on every file that is read is noted, and `writeWhole` refuses to write over it. For programs, at their start. */
export function protectInputs(): void {
  inputs = new Set();
}

/** The files that were read so far; none where nobody asked to note them. */
export function filesRead(): readonly string[] {
  return [...(inputs ?? [])];
}

/** Notes that a file is read, for those who read without `readBytes`. */
export function noteInput(path: string): void {
  if (path !== STANDARD_STREAM) inputs?.add(path);
}

/**
 * Reads a file or pipe that the user named, or stdin; see regularFiles.ts for what may be opened.
 * @throws CipherconvError `unreadable`.
 */
export async function readBytes(path: string): Promise<Uint8Array> {
  noteInput(path);
  let bytes: Uint8Array;
  try {
    bytes =
      path === STANDARD_STREAM
        ? await readStream(process.stdin, LARGEST_STREAM_BYTES)
        : await readNamed(path);
  } catch (error) {
    throw unreadable(path, error);
  }
  refuseLfsPointer(bytes, displayName(path));
  return bytes;
}

/**
 * Refuses a path that a search came upon and that is no regular file.
 * @throws CipherconvError `unreadable`.
 */
export async function requireReadable(path: string): Promise<void> {
  await requireRegular(path).catch((error: unknown) => {
    throw unreadable(path, error);
  });
}

/** `check` refuses other bytes. @throws CipherconvError `unreadable`, also for what is not UTF-8, and too long for one text. */
export async function readText(
  path: string,
  check?: (bytes: Uint8Array, file: string) => void,
): Promise<string> {
  if (path !== STANDARD_STREAM) {
    const size = await stat(path).then(
      (found) => (found.isFile() ? found.size : 0),
      () => 0,
    );
    requireTextLength(size, displayName(path));
  }
  const bytes = await readBytes(path);
  check?.(bytes, displayName(path));
  return decodeText(bytes, displayName(path));
}

/** What reading `path` failed with, in words. */
export function unreadable(path: string, error: unknown): CipherconvError {
  return new CipherconvError(
    { code: 'unreadable', where: displayName(path), message: `cannot be read: ${reasonOf(error)}` },
    { cause: error },
  );
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or folder',
  ENOTDIR: 'a part of the path is not a folder',
  EISDIR: 'it is a folder',
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space left',
  EMFILE: 'too many open files',
  ERR_FS_FILE_TOO_LARGE: 'it is too large',
};

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

/** What an operation on a file failed with, in words. */
export function reasonOf(error: unknown): string {
  const code = codeOf(error);
  return REASONS[code] ?? (error instanceof Error ? error.message : String(error));
}

function unwritable(path: string, error: unknown): CipherconvError {
  return new CipherconvError(
    { code: 'unwritable', where: path, message: `cannot be written: ${reasonOf(error)}` },
    { cause: error },
  );
}

/**
 * Checks before long work that a file can be written later: its folder is there and writable, and it is no folder.
 * @throws CipherconvError `unwritable`.
 */
export async function requireWritable(path: string): Promise<void> {
  if (path === STANDARD_STREAM) return;
  try {
    const kind = await kindOf(path);
    if (kind === 'folder') throw Object.assign(new Error(), { code: 'EISDIR' });
    if (kind === 'special') return;
    await access(dirname(path), constants.W_OK);
  } catch (error) {
    throw unwritable(path, error);
  }
}

async function kindOf(path: string): Promise<'missing' | 'file' | 'folder' | 'special'> {
  try {
    const found = await stat(path);
    if (found.isDirectory()) return 'folder';
    return found.isFile() ? 'file' : 'special';
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return 'missing';
    throw error;
  }
}

/** A file that a command was given, and what for. */
export interface NamedFile {
  readonly what: string;
  readonly path: string;
}

/**
 * Refuses an output that is an input or another output, by whatever name: relative, through a link, or a hard link.
 * Standard streams, devices and pipes are not files.
 * @throws CipherconvError `usage`.
 */
export async function requireDistinct(
  read: readonly NamedFile[],
  written: readonly NamedFile[],
): Promise<void> {
  const seen = new Map<string, NamedFile>();
  for (const file of read) {
    const identity = await identityOf(file.path);
    if (identity !== null) seen.set(identity, file);
  }
  for (const file of written) {
    const identity = await identityOf(file.path);
    if (identity === null) continue;
    const other = seen.get(identity);
    if (other !== undefined) throw sameFile(file.path, other.what, file.what);
    seen.set(identity, file);
  }
}

function sameFile(path: string, one: string, other: string): CipherconvError {
  return new CipherconvError({
    code: 'usage',
    where: path,
    message: `${one} and ${other} are the same file`,
    hint: 'give each its own file',
  });
}

/**
 * Refuses an output over what was read: what no command line names, such as the weights of a config, is known then. For
 * those who write several files, or work long before they write.
 * @throws CipherconvError `usage`, only in a program that called `protectInputs`.
 */
export async function refuseOverInput(path: string): Promise<void> {
  const target = inputs === null ? null : await identityOf(path);
  if (target === null) return;
  for (const input of inputs ?? []) {
    if ((await identityOf(input)) === target) throw sameFile(path, `the input ${input}`, 'the output');
  }
}

/** What a path stands for: the file itself where there is one, else the place where it would be; null: no plain file. */
async function identityOf(path: string): Promise<string | null> {
  if (path === STANDARD_STREAM) return null;
  try {
    const found = await stat(path, { bigint: true });
    return found.isFile() ? `${found.dev}:${found.ino}` : null;
  } catch {
    const folder = await realpath(dirname(path)).catch(() => dirname(path));
    return join(folder, basename(path));
  }
}

/** Temporary files of writes under way, so that an interrupted process can take them away. */
const temporary = new Set<string>();

/** The temporary files that exist now. */
export function temporaryFiles(): readonly string[] {
  return [...temporary];
}

/** How a file is written. */
export interface WriteOptions {
  /** Permissions of a file that is made, from its first moment on; default: what the process gives. */
  readonly mode?: number;
  /** `refuse`: a file that exists is never replaced, not even one made meanwhile. Default `replace`. */
  readonly existing?: 'replace' | 'refuse';
}

/**
 * @throws CipherconvError `unwritable` when there is something at `path`.
 */
export async function requireMissing(path: string, hint: string): Promise<void> {
  if (path === STANDARD_STREAM) return;
  const kind = await kindOf(path).catch((error: unknown) => {
    throw unwritable(path, error);
  });
  if (kind !== 'missing') throw alreadyThere(path, hint);
}

function alreadyThere(path: string, hint?: string): CipherconvError {
  return new CipherconvError({
    code: 'unwritable',
    where: path,
    message: 'there is a file already',
    ...(hint === undefined ? {} : { hint }),
  });
}

/** What is written: at once, or in pieces. */
export type Content = string | Uint8Array | Iterable<string>;

/** Piece by piece, so that a slow reader does not make us keep all of it. */
async function print(content: Content): Promise<void> {
  const pieces = typeof content === 'string' || content instanceof Uint8Array ? [content] : content;
  for (const piece of pieces) {
    if (!process.stdout.write(piece)) await once(process.stdout, 'drain');
  }
}

/**
 * Writes a whole file or none: first into a temporary file in the same folder, then renamed over the target. A link is
 * followed; a device or pipe is written to directly. `-` is stdout.
 * @throws CipherconvError `unwritable`, or `usage` over an input that is protected; the target is then as it was.
 */
export async function writeWhole(path: string, content: Content, options: WriteOptions = {}): Promise<void> {
  if (path === STANDARD_STREAM) {
    await print(content);
    return;
  }
  await refuseOverInput(path);
  try {
    const kind = await kindOf(path);
    if (kind === 'special') await writeFile(path, content);
    else await writeByRename(kind === 'missing' ? path : await realpath(path), content, options);
  } catch (error) {
    if (codeOf(error) === 'EEXIST') throw alreadyThere(path);
    throw unwritable(path, error);
  }
}

async function writeByRename(
  path: string,
  content: Content,
  { mode = 0o666, existing = 'replace' }: WriteOptions,
): Promise<void> {
  const scratch = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`);
  temporary.add(scratch);
  try {
    await writeFile(scratch, content, { flag: 'wx', mode });
    // A rename replaces; a link is refused where there is a file.
    if (existing === 'replace') await rename(scratch, path);
    else await link(scratch, path);
    if (existing === 'refuse') await rm(scratch);
  } catch (error) {
    await rm(scratch, { force: true });
    throw error;
  } finally {
    temporary.delete(scratch);
  }
}
