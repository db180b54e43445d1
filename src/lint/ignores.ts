import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import ignore from 'ignore';
import type { Ignore } from 'ignore';

/** What a search leaves out: other people's files, what is made anew, and what `.gitignore` and `--ignore` name. */

/** Folders of dependencies, of builds, and of version control. */
const SKIPPED = new Set([
  'node_modules',
  'dist',
  'coverage',
  '.git',
  '.hg',
  '.svn',
  '.venv',
  'venv',
  '.tox',
  '__pycache__',
]);

/** Bytes. */
const LARGEST_GITIGNORE = 2 ** 20;

/** Whether a folder of this name is left out wherever a search meets it; a named one is searched all the same. */
export function isSkippedFolder(name: string): boolean {
  return SKIPPED.has(name);
}

/** Patterns, and the folder that they are relative to. */
interface Patterns {
  readonly folder: string;
  readonly matcher: Ignore;
}

/** The `.gitignore` files that hold in one folder, the nearest last. */
export type GitIgnores = readonly Patterns[];

/** With the `.gitignore` of `folder`, where there is one that can be read. */
export async function enterFolder(above: GitIgnores, folder: string): Promise<GitIgnores> {
  const path = join(folder, '.gitignore');
  const found = await stat(path).catch(() => null);
  // A pipe or a device could be read for ever.
  if (found?.isFile() !== true || found.size > LARGEST_GITIGNORE) return above;
  const text = await readFile(path, 'utf8').catch(() => '');
  return [...above, { folder: resolve(folder), matcher: ignore().add(text) }];
}

/** What holds in `folder` from above it, up to the root of its repository; nothing outside of one. */
export async function gitIgnoresAbove(folder: string): Promise<GitIgnores> {
  const start = resolve(folder);
  const above: string[] = [];
  for (let at = start; !existsSync(join(at, '.git')); at = dirname(at)) {
    if (dirname(at) === at) return [];
    above.unshift(dirname(at));
  }
  let ignores: GitIgnores = [];
  for (const each of above) ignores = await enterFolder(ignores, each);
  // A folder that was named is searched although it is ignored.
  return ignores.filter((patterns) => !isIgnored([patterns], start, 'folder'));
}

/** As git decides: the nearest file that says something of the path has the last word. */
export function isIgnored(ignores: GitIgnores, path: string, kind: 'file' | 'folder'): boolean {
  for (const { folder, matcher } of ignores.toReversed()) {
    const inside = relative(folder, resolve(path)).replaceAll(sep, '/');
    if (inside === '' || inside.startsWith('..')) continue;
    const { ignored, unignored } = matcher.test(kind === 'folder' ? `${inside}/` : inside);
    if (ignored || unignored) return ignored;
  }
  return false;
}

/** Whether `--ignore` leaves a path out, with patterns as in `.gitignore`, relative to the current folder. */
export function createIgnoreOption(
  patterns: readonly string[],
): (path: string, kind: 'file' | 'folder') => boolean {
  if (patterns.length === 0) return () => false;
  const matcher = ignore({ allowRelativePaths: true }).add([...patterns]);
  return (path, kind) => {
    const inside = relative('.', path).replaceAll(sep, '/');
    return inside !== '' && matcher.ignores(kind === 'folder' ? `${inside}/` : inside);
  };
}
