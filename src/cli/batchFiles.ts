import { readdir, stat } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { CipherconvError } from '../../compiler/base/errors.ts';
import { unreadable } from '../frontend/files.ts';
import { requireSeparate } from './clientFiles.ts';

/** The inputs of a batch and the files that their results go to. */

export interface BatchFile {
  readonly input: string;
  /** Of the result: a name in the output folder. */
  readonly output: string;
}

/** What `run` and `encrypt` read as an input. */
const TENSORS = new Set(['.npy', '.json', '.pb', '.png', '.jpg', '.jpeg']);

export interface BatchRules {
  /** Whether inputs are tensors and pictures, which have kinds, or uploads, which have none. */
  readonly content: 'tensors' | 'uploads';
  /** Extension of the results, with its dot; null: the name of the input. */
  readonly extension: string | null;
}

/**
 * The files of a batch, sorted. Folders are not searched deeper; what begins with a dot in them, and among tensors what
 * has another extension, is left alone.
 * @throws CipherconvError `unreadable`, or `usage` when two inputs would have the same result file, or there is none.
 */
export async function batchFiles(
  paths: readonly string[],
  folder: string,
  rules: BatchRules,
  notice: (sentence: string) => void,
): Promise<BatchFile[]> {
  const inputs: string[] = [];
  for (const path of paths) {
    const found = await stat(path).catch((error: unknown) => {
      throw unreadable(path, error);
    });
    inputs.push(...(found.isDirectory() ? await filesIn(path, rules, notice) : [path]));
  }
  if (inputs.length === 0) {
    throw new CipherconvError({
      code: 'usage',
      where: '--input',
      message: 'there is no input',
      expected: rules.content === 'uploads' ? 'files of encrypt' : [...TENSORS].join(', '),
    });
  }
  const files = inputs.map((input) => ({ input, output: outputName(input, rules) }));
  requireDistinctNames(files);
  await requireSeparate(
    files.map(({ input }) => ({ what: 'an input', path: input })),
    files.map(({ output }) => ({ what: 'a result', path: join(folder, output) })),
  );
  return files;
}

async function filesIn(
  folder: string,
  { content }: BatchRules,
  notice: (sentence: string) => void,
): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    throw unreadable(folder, error);
  });
  const files = entries.filter((entry) => !entry.isDirectory() && !entry.name.startsWith('.'));
  const taken = files.filter(({ name }) => content === 'uploads' || TENSORS.has(extname(name).toLowerCase()));
  const left = files.length - taken.length;
  if (left > 0) notice(`${folder}: ${left} ${left === 1 ? 'file' : 'files'} of other kinds left alone`);
  return taken
    .map(({ name }) => name)
    .sort()
    .map((name) => join(folder, name));
}

function outputName(input: string, { extension }: BatchRules): string {
  const name = basename(input);
  return extension === null ? name : `${name.slice(0, name.length - extname(name).length)}${extension}`;
}

function requireDistinctNames(files: readonly BatchFile[]): void {
  const seen = new Map<string, string>();
  for (const { input, output } of files) {
    const other = seen.get(output);
    if (other !== undefined) {
      throw new CipherconvError({
        code: 'usage',
        where: input,
        message: `its result would have the same name as that of ${other}: ${output}`,
        hint: 'rename one, or submit them apart',
      });
    }
    seen.set(output, input);
  }
}
