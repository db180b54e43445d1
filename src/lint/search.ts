import { readdir, stat } from 'node:fs/promises';
import type { Dirent } from 'node:fs';
import { join, matchesGlob, normalize } from 'node:path';
import { CipherconvError } from '../../compiler/base/errors.ts';
import { STANDARD_STREAM, unreadable } from '../frontend/files.ts';
import { createIgnoreOption, enterFolder, gitIgnoresAbove, isIgnored, isSkippedFolder } from './ignores.ts';
import type { GitIgnores } from './ignores.ts';
import { isLinted } from './sources.ts';

/** What a search came upon, in order: a file to lint, or a file, or all below a folder, that could not be looked into. */
type Found =
  | { readonly kind: 'file'; readonly path: string }
  | {
      readonly kind: 'refused-file' | 'refused-folder';
      readonly path: string;
      readonly error: CipherconvError;
    };

export interface SearchResult {
  readonly found: readonly Found[];
  /** Folders that were named and have nothing to lint. */
  readonly empty: readonly string[];
}

/**
 * The files to lint: files as given, all `*.conv.json` and models below folders, and what globs match (a folder that
 * matches stands for all below it); each once, in order. A folder that cannot be read, and a glob that matches nothing,
 * is refused, and the search goes on.
 * @param ignored patterns as in `.gitignore`, relative to the current folder; they hold for what is named too
 * @throws CipherconvError `unreadable` when all of it leads to nothing.
 */
export async function findSources(
  args: readonly string[],
  ignored: readonly string[] = [],
): Promise<SearchResult> {
  const isLeftOut = createIgnoreOption(ignored);
  const named = args.length === 0 ? ['.'] : args;
  const found = new Map<string, Found>();
  const empty: string[] = [];
  for (const arg of named) {
    const here = (await expand(arg, isLeftOut)).filter(({ path }) => !isLeftOut(path, 'file'));
    if (here.length === 0) empty.push(arg);
    for (const each of here) {
      const name = each.path === STANDARD_STREAM ? each.path : normalize(each.path);
      if (!found.has(name)) found.set(name, each);
    }
  }
  if (found.size === 0) throw nothing(named.join(' '));
  return { found: [...found.values()], empty };
}

function nothing(where: string): CipherconvError {
  return new CipherconvError({
    code: 'unreadable',
    where,
    message: 'nothing to lint',
    expected: 'at least one *.conv.json, *.onnx or *.tflite file that is not ignored',
    found: 'none',
  });
}

type IsLeftOut = ReturnType<typeof createIgnoreOption>;

async function expand(arg: string, isLeftOut: IsLeftOut): Promise<Found[]> {
  if (arg === STANDARD_STREAM) return [{ kind: 'file', path: arg }];
  const kind = await kindOf(arg);
  if (kind === 'folder') return new Walk(isLeftOut).below(arg);
  // A name that leads nowhere and is no pattern stays: reading it says what is wrong.
  if (kind === 'file' || !isPattern(arg)) return [{ kind: 'file', path: arg }];
  const pattern = normalize(arg);
  const isMatch = (path: string): boolean => ancestry(path).some((part) => matchesGlob(part, pattern));
  const all = await new Walk(isLeftOut).below(plainPart(pattern));
  // What lies below a folder that cannot be read could have matched.
  const matches = all.filter(({ kind: found, path }) => found === 'refused-folder' || isMatch(path));
  return matches.length > 0 ? matches : [{ kind: 'refused-file', path: arg, error: nothing(arg) }];
}

function isPattern(text: string): boolean {
  return /[*?[{]/.test(text);
}

/** The folder that all matches lie in: the parts of a pattern before the first that is one. */
function plainPart(pattern: string): string {
  const parts = pattern.split(/[\\/]/);
  const plain = parts.slice(0, parts.findIndex(isPattern));
  return plain.length === 0 ? '.' : plain.join('/') || '/';
}

/** A path and all folders above it. */
function ancestry(path: string): string[] {
  const parts = path.split(/[\\/]/);
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'));
}

async function kindOf(path: string): Promise<'file' | 'folder' | 'missing'> {
  try {
    return (await stat(path)).isDirectory() ? 'folder' : 'file';
  } catch {
    return 'missing';
  }
}

/** A walk through folders, without what is ignored. Links to folders are not followed. */
class Walk {
  readonly #isLeftOut: IsLeftOut;

  constructor(isLeftOut: IsLeftOut) {
    this.#isLeftOut = isLeftOut;
  }

  async below(folder: string): Promise<Found[]> {
    // A pattern below a folder that is not there matches nothing.
    if ((await kindOf(folder)) !== 'folder' || this.#isLeftOut(folder, 'folder')) return [];
    const found: Found[] = [];
    await this.#visit(folder, await gitIgnoresAbove(folder), found);
    return found;
  }

  async #visit(folder: string, above: GitIgnores, found: Found[]): Promise<void> {
    let entries: Dirent[];
    try {
      entries = await readdir(folder, { withFileTypes: true });
    } catch (error) {
      found.push({ kind: 'refused-folder', path: folder, error: unreadable(folder, error) });
      return;
    }
    const ignores = await enterFolder(above, folder);
    for (const entry of entries.sort((left, right) => (left.name < right.name ? -1 : 1))) {
      const path = join(folder, entry.name);
      const kind = entry.isDirectory() ? 'folder' : 'file';
      if (kind === 'file' ? !isLinted(entry.name) : isSkippedFolder(entry.name)) continue;
      if (isIgnored(ignores, path, kind) || this.#isLeftOut(path, kind)) continue;
      if (kind === 'folder') await this.#visit(path, ignores, found);
      else found.push(await this.#fileAt(path));
    }
  }

  /** A device or a pipe could be read for ever; only who names one means it. */
  async #fileAt(path: string): Promise<Found> {
    const target = await stat(path).catch(() => null);
    // What leads nowhere stays: reading it says so.
    if (target === null || target.isFile()) return { kind: 'file', path };
    const reason = new Error(target.isDirectory() ? 'it is a link to a folder' : 'it is no regular file');
    return { kind: 'refused-file', path, error: unreadable(path, reason) };
  }
}
