import { glob, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CipherconvError } from '../../compiler/base/errors.ts';
import { STANDARD_STREAM, unreadable } from '../frontend/files.ts';
import { isLinted } from './sources.ts';

/** Folders that hold other people's files or ours made anew. */
const SKIPPED = new Set(['node_modules', 'dist', 'coverage', '.git']);

/**
 * The files to lint: files as given, all `*.conv.json` and `*.onnx` below folders, and what globs match; each once, in order.
 * @throws CipherconvError `unreadable` for an argument that leads to nothing.
 */
export async function findSources(args: readonly string[]): Promise<string[]> {
  const files = new Set<string>();
  for (const arg of args.length === 0 ? ['.'] : args) {
    const found = await expand(arg);
    if (found.length === 0) {
      throw new CipherconvError({
        code: 'unreadable',
        where: arg,
        message: 'nothing to lint',
        expected: 'at least one *.conv.json or *.onnx file',
        found: 'none',
      });
    }
    for (const file of found) files.add(file);
  }
  return [...files];
}

async function expand(arg: string): Promise<string[]> {
  if (arg === STANDARD_STREAM) return [arg];
  const kind = await kindOf(arg);
  if (kind === 'folder') return below(arg);
  // A name that leads nowhere and is no pattern stays: reading it says what is wrong.
  if (kind === 'file' || !/[*?[{]/.test(arg)) return [arg];
  const matches: string[] = [];
  for await (const match of glob(arg, { exclude: (name) => SKIPPED.has(name) })) {
    if ((await kindOf(match)) === 'file' && !match.split(/[\\/]/).some((part) => SKIPPED.has(part)))
      matches.push(match);
  }
  return matches.sort();
}

async function kindOf(path: string): Promise<'file' | 'folder' | 'missing'> {
  try {
    return (await stat(path)).isDirectory() ? 'folder' : 'file';
  } catch {
    return 'missing';
  }
}

async function below(folder: string): Promise<string[]> {
  const files: string[] = [];
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    throw unreadable(folder, error);
  });
  for (const entry of entries.sort((left, right) => (left.name < right.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      if (SKIPPED.has(entry.name)) continue;
      for (const file of await below(path)) files.push(file);
    } else if (isLinted(entry.name)) files.push(path);
  }
  return files;
}
