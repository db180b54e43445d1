import { rmSync } from 'node:fs';
import { temporaryFiles } from '../frontend/files.ts';
import { exitCode } from './exitCode.ts';

/** Ends the process at an interrupt: no half-written file stays behind. */
function interrupted(): void {
  for (const file of temporaryFiles()) rmSync(file, { force: true });
  process.exit(exitCode({ kind: 'interrupted' }));
}

/** What an interrupt (SIGINT) does from now on, until a command takes it over. */
export function endAtInterrupt(): void {
  process.once('SIGINT', interrupted);
}

/** For a command that ends in an orderly way by itself: the first interrupt calls `end`, the next one ends at once. */
export function takeInterrupt(end: () => void): void {
  process.off('SIGINT', interrupted);
  process.once('SIGINT', () => {
    endAtInterrupt();
    end();
  });
}
