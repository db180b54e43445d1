import { glob, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CipherconvError } from '../../compiler/errors.ts';
import { STANDARD_STREAM, unreadable } from '../frontend/files.ts';
import { searchedAs } from './sources.ts';

/** Folders that hold other people's files or ours made anew. */
const SKIPPED = new Set(['node_modules', 'dist', 'coverage', '.git']);

export interface SearchResult {
  readonly files: readonly string[];
  /** Models seen in folders and left out. */
  readonly skipped: readonly string[];
}

/**
 * The files to lint: files as given, all `*.conv.json` below folders, and what globs match; each once, in order.
 * @throws CipherconvError `unreadable` for an argument that leads to nothing.
 */
export async function findSources(args: readonly string[]): Promise<SearchResult> {
  const files = new Set<string>();
  const skipped = new Set<string>();
  for (const arg of args.length === 0 ? ['.'] : args) {
    const found = await expand(arg);
    if (found.files.length === 0) {
      throw new CipherconvError({
        code: 'unreadable',
        where: arg,
        message: 'nothing to lint',
        expected: 'at least one *.conv.json file',
        found: found.skipped.length === 0 ? 'none' : `only ONNX models, which are not supported yet`,
      });
    }
    for (const file of found.files) files.add(file);
    for (const file of found.skipped) skipped.add(file);
  }
  return { files: [...files], skipped: [...skipped] };
}

async function expand(arg: string): Promise<SearchResult> {
  if (arg === STANDARD_STREAM) return { files: [arg], skipped: [] };
  const kind = await kindOf(arg);
  if (kind === 'folder') return below(arg);
  // A name that leads nowhere and is no pattern stays: reading it says what is wrong.
  if (kind === 'file' || !/[*?[{]/.test(arg)) return { files: [arg], skipped: [] };
  const matches: string[] = [];
  for await (const match of glob(arg, { exclude: (name) => SKIPPED.has(name) })) {
    if ((await kindOf(match)) === 'file' && !match.split(/[\\/]/).some((part) => SKIPPED.has(part)))
      matches.push(match);
  }
  return { files: matches.sort(), skipped: [] };
}

async function kindOf(path: string): Promise<'file' | 'folder' | 'missing'> {
  try {
    return (await stat(path)).isDirectory() ? 'folder' : 'file';
  } catch {
    return 'missing';
  }
}

async function below(folder: string): Promise<SearchResult> {
  const files: string[] = [];
  const skipped: string[] = [];
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    throw unreadable(folder, error);
  });
  for (const entry of entries.sort((left, right) => (left.name < right.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      if (SKIPPED.has(entry.name)) continue;
      const inner = await below(path);
      files.push(...inner.files);
      skipped.push(...inner.skipped);
    } else if (searchedAs(entry.name) === 'linted') files.push(path);
    else if (searchedAs(entry.name) === 'skipped') skipped.push(path);
  }
  return { files, skipped };
}
