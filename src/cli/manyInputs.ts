import { mkdir, readdir, stat } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { CipherconvError } from '../../compiler/base/errors.ts';
import { inOrder } from '../client/inOrder.ts';
import { reasonOf, requireWritable, STANDARD_STREAM, unreadable } from '../frontend/files.ts';
import { requireOutput } from '../frontend/outputs.ts';
import type { Session } from './session.ts';
import type { Terminal } from './terminal.ts';

/** One input, a stack of them in one file, or a folder of files: one set-up, and how fast it went. */

const KINDS: ReadonlySet<string> = new Set(['.npy', '.json', '.pb', '.png', '.jpg', '.jpeg']);

/** What --input names: one input, with a file for each port of a model, or the files of a folder. */
export interface InputFiles {
  readonly kind: 'one' | 'folder';
  readonly paths: readonly string[];
}

/**
 * What --input names.
 * @throws CipherconvError `usage` for a folder without inputs
 */
export async function inputFilesOf(given: readonly string[]): Promise<InputFiles> {
  const [only = '', ...others] = given;
  const folder = others.length === 0 ? await inputsOfFolder(only) : null;
  return folder === null ? { kind: 'one', paths: given } : { kind: 'folder', paths: folder };
}

/**
 * Checks before the work that the outputs can be written after it: one file for one input, a folder, made here, for a folder.
 * @throws CipherconvError `unsupported`, `unwritable` or `usage`
 */
export async function requireRoom(output: string, { kind, paths }: InputFiles): Promise<void> {
  if (kind === 'one') {
    await requireOutput(output);
    return;
  }
  requireDistinctNames(paths, output);
  await mkdir(output, { recursive: true }).catch((error: unknown) => {
    throw new CipherconvError(
      {
        code: 'unwritable',
        where: output,
        message: 'the folder for the outputs cannot be made',
        found: reasonOf(error),
        hint: 'give a folder, or a path where one can be made',
      },
      { cause: error },
    );
  });
  for (const path of paths) await requireWritable(outputOf(output, path));
}

/** What was done with one file. */
interface FileResult<Output> {
  /** The file. */
  readonly input: string;
  /** In the order of the stack. */
  readonly outputs: readonly Output[];
}

/** What was done with all of them. */
export interface ManyResult<Output> {
  readonly files: readonly FileResult<Output>[];
  /** Inferences. */
  readonly count: number;
  /** Milliseconds of all inferences together, reading and writing included. */
  readonly ms: number;
}

/** The files of a folder that are inputs, by name; null where `path` is no folder. */
async function inputsOfFolder(path: string): Promise<string[] | null> {
  if (path === STANDARD_STREAM) return null;
  const found = await stat(path).catch(() => null);
  if (found?.isDirectory() !== true) return null;
  const entries = await readdir(path, { withFileTypes: true }).catch((error: unknown) => {
    throw unreadable(path, error);
  });
  const names = entries
    .filter((entry) => entry.isFile() && KINDS.has(extname(entry.name).toLowerCase()))
    .map(({ name }) => name)
    .sort((left, right) => (left < right ? -1 : 1));
  if (names.length > 0) return names.map((name) => join(path, name));
  throw new CipherconvError({
    code: 'usage',
    where: path,
    message: 'there is no input in this folder',
    expected: [...KINDS].join(', '),
  });
}

/** Where the output of a file goes: into the folder, under its name, as .npy. */
function outputOf(folder: string, input: string): string {
  return join(folder, `${basename(input, extname(input))}.npy`);
}

/**
 * Refuses two inputs whose outputs would be one file.
 * @throws CipherconvError `usage`
 */
function requireDistinctNames(files: readonly string[], folder: string): void {
  const known = new Map<string, string>();
  for (const file of files) {
    const output = outputOf(folder, file);
    const other = known.get(output);
    if (other !== undefined) {
      throw new CipherconvError({
        code: 'usage',
        where: output,
        message: `the outputs of ${basename(other)} and ${basename(file)} would be the same file`,
        hint: 'rename one of them',
      });
    }
    known.set(output, file);
  }
}

/** Runs a stack or one input, and writes what came of it. */
export async function runOne<Input, Output>(
  session: Session<Input, Output>,
  files: readonly string[],
  output: string | undefined,
  io: Terminal,
): Promise<ManyResult<Output>> {
  const began = performance.now();
  const inputs = await session.load(files);
  const outputs: Output[] = [];
  for await (const each of inOrder(inputs, session.infer, { atOnce: session.atOnce })) {
    outputs.push(each);
    if (inputs.length > 1) io.progress('inferences', outputs.length, inputs.length);
  }
  io.endProgress();
  if (output !== undefined) await session.write(output, outputs);
  return {
    files: [{ input: files.join(' '), outputs }],
    count: outputs.length,
    ms: performance.now() - began,
  };
}

/** Runs every file of a folder; what is done is written at once, so that an interrupt loses nothing that was finished. */
export async function runFolder<Input, Output>(
  session: Session<Input, Output>,
  files: readonly string[],
  folder: string | undefined,
  io: Terminal,
): Promise<ManyResult<Output>> {
  const began = performance.now();
  const done: FileResult<Output>[] = [];
  let count = 0;
  const work = async (input: string): Promise<FileResult<Output>> => {
    const outputs: Output[] = [];
    for (const each of await session.load([input])) outputs.push(await session.infer(each));
    if (folder !== undefined) await session.write(outputOf(folder, input), outputs);
    return { input, outputs };
  };
  for await (const result of inOrder(files, work, { atOnce: session.atOnce })) {
    done.push(result);
    count += result.outputs.length;
    io.progress('inputs', done.length, files.length);
  }
  io.endProgress();
  return { files: done, count, ms: performance.now() - began };
}

/** A line on how fast it went. */
export function throughput({ count, ms }: Pick<ManyResult<unknown>, 'count' | 'ms'>): string {
  return `${count} ${count === 1 ? 'inference' : 'inferences'} in ${(ms / 1000).toFixed(2)} s: ${((count * 1000) / ms).toFixed(2)} a second`;
}
