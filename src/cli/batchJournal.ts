import { createHash } from 'node:crypto';
import { appendFile, mkdir, readFile, readdir, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { CipherconvError } from '../../compiler/base/errors.ts';
import { reasonOf, writeWhole } from '../frontend/files.ts';

/**
 * What a batch remembers beside its results, so that after any crash the same command goes on where it was: which results
 * are whole, and the uploads under way. An input is encrypted anew each time, so only its saved upload finds the job again
 * that was submitted before. With hints what reads the response is saved with its upload, in one file that only its owner
 * reads: it is as secret as the input. No other secret is in it.
 */

const FOLDER = '.cipherconv-farm';

const entry = z.strictObject({
  output: z.string(),
  work: z.string().regex(/^[0-9a-f]{64}$/),
  /** Of the result. Journals of before do not say it. */
  bytes: z.int().min(0).optional(),
});

/** What is remembered of a result. */
interface Done {
  readonly work: string;
  readonly bytes: number | null;
}

/** The name of a piece of work: a digest of everything that its result depends on. */
export function workName(parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha256').update('cipherconv batch\n');
  // Lengths first: no two lists of parts run together to the same bytes.
  for (const part of parts) hash.update(`${Buffer.byteLength(part)}\n`).update(part);
  return hash.digest('hex');
}

export class BatchJournal {
  readonly #results: string;
  readonly #folder: string;
  readonly #done: Map<string, Done>;
  /** The outermost folder that was made for it; null where all were there. */
  readonly #made: string | null;

  private constructor(results: string, done: Map<string, Done>, made: string | null) {
    this.#results = results;
    this.#folder = join(results, FOLDER);
    this.#done = done;
    this.#made = made;
  }

  /**
   * Makes the folders where they are not there, and takes away what a killed process of before left half-written.
   * @param outputs names of the results of this batch
   * @throws CipherconvError `unwritable`.
   */
  static async open(results: string, outputs: readonly string[]): Promise<BatchJournal> {
    const uploads = join(results, FOLDER, 'uploads');
    let made: string | undefined;
    try {
      made = await mkdir(uploads, { recursive: true });
    } catch (error) {
      const message = `cannot be made: ${reasonOf(error)}`;
      throw new CipherconvError({ code: 'unwritable', where: results, message }, { cause: error });
    }
    await sweep(results, (name) => outputs.includes(name));
    await sweep(uploads, () => true);
    const text = await readFile(join(results, FOLDER, 'journal'), 'utf8').catch(() => '');
    return new BatchJournal(results, new Map(text.split('\n').flatMap(readLine)), made ?? null);
  }

  /** Takes away the folders that were made for it, where nothing is in them: the batch was refused. */
  async withdraw(): Promise<void> {
    if (this.#made === null) return;
    for (let path = join(this.#folder, 'uploads'); ; path = dirname(path)) {
      const isGone = await rmdir(path).then(
        () => true,
        () => false,
      );
      if (!isGone || path === this.#made || path === dirname(path)) return;
    }
  }

  /**
   * Whether the result of just this work is there, whole.
   * @param bytes what it must have, where that is known; else it has what it had when it was written
   */
  async isDone(output: string, work: string, bytes: number | null = null): Promise<boolean> {
    const done = this.#done.get(output);
    if (done?.work !== work) return false;
    const size = await this.#sizeOf(output);
    const expected = bytes ?? done.bytes;
    // No result is empty.
    return expected === null ? size !== null && size > 0 : size === expected;
  }

  /** Null where there is no such file. */
  async #sizeOf(output: string): Promise<number | null> {
    return stat(join(this.#results, output)).then(
      (found) => (found.isFile() ? found.size : null),
      () => null,
    );
  }

  /** After the result was written. The upload stays until its bytes are out of the Redis: only it tells which they are. */
  async finish(output: string, work: string): Promise<void> {
    // A line begins with its break: what a crash cut off before does not take this one along.
    const bytes = await this.#sizeOf(output);
    const line = `\n${JSON.stringify({ output, work, bytes: bytes ?? undefined })}\n`;
    await appendFile(join(this.#folder, 'journal'), line).catch((error: unknown) => {
      throw new CipherconvError(
        {
          code: 'unwritable',
          where: join(this.#folder, 'journal'),
          message: `cannot be written: ${reasonOf(error)}`,
        },
        { cause: error },
      );
    });
    this.#done.set(output, { work, bytes });
  }

  /** What was saved for this work, if it has the right length: an upload, and with hints its one-time key. */
  async savedUpload(work: string, length: number): Promise<Uint8Array | null> {
    const bytes = await readFile(this.#uploadPath(work)).catch(() => null);
    return bytes?.length === length ? new Uint8Array(bytes) : null;
  }

  /** Before it is submitted. Whole or not at all, so that an upload and its key are never of two exchanges. */
  saveUpload(work: string, bytes: Uint8Array, mode = 0o666): Promise<void> {
    return writeWhole(this.#uploadPath(work), bytes, { mode });
  }

  async dropUpload(work: string): Promise<void> {
    await rm(this.#uploadPath(work), { force: true });
  }

  #uploadPath(work: string): string {
    return join(this.#folder, 'uploads', work);
  }
}

/** Removes the temporary files of `writeWhole` for targets of ours. */
async function sweep(folder: string, isOurs: (target: string) => boolean): Promise<void> {
  for (const name of await readdir(folder)) {
    const target = /^\.(.+)\.[0-9a-f]{12}\.tmp$/.exec(name)?.[1];
    if (target !== undefined && isOurs(target)) await rm(join(folder, name), { force: true });
  }
}

function readLine(line: string): [output: string, done: Done][] {
  try {
    const { output, work, bytes = null } = entry.parse(JSON.parse(line));
    return [[output, { work, bytes }]];
  } catch {
    // Empty, or cut off by a crash: the work is done again.
    return [];
  }
}
