import { writeSync } from 'node:fs';
import { reasonOf } from '../frontend/files.ts';
import { exitCode } from './exitCode.ts';
import { removeTemporaryFiles } from './temporary.ts';

/**
 * What happens when stdout or stderr takes no more. Whoever read our output has gone (`| head`): nothing is left to say,
 * and that is no error. Anything else, such as a full disk, is one: what was asked for has not arrived.
 */
export function endWithStreams(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    endStream(error, `error: stdout cannot be written: ${reasonOf(error)}\n`);
  });
  process.stderr.on('error', (error: NodeJS.ErrnoException) => {
    endStream(error, null);
  });
}

/** @param says for stderr; null where stderr is what failed */
function endStream(error: NodeJS.ErrnoException, says: string | null): never {
  removeTemporaryFiles();
  if (error.code === 'EPIPE') process.exit();
  if (says !== null) sayAtOnce(says);
  process.exit(exitCode({ kind: 'refused', code: 'unwritable' }));
}

/** Past the stream: the process ends before a stream would write. */
function sayAtOnce(text: string): void {
  try {
    writeSync(process.stderr.fd, text);
  } catch {
    // stderr is full or gone too: the exit code has to do.
  }
}
