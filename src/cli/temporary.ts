import { rmSync } from 'node:fs';
import { temporaryFiles } from '../frontend/files.ts';

/** Before the process ends in the middle of something: no half-written file stays behind. */
export function removeTemporaryFiles(): void {
  for (const file of temporaryFiles()) rmSync(file, { force: true });
}
