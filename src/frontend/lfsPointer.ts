import { CipherconvError } from '../../compiler/base/errors.ts';

const FIRST_LINE = 'version https://git-lfs.github.com/spec/v1\n';

/** Bytes of the longest pointer. */
export const LARGEST_LFS_POINTER = 1024;

/**
 * Git LFS leaves a short text where a file was not fetched: whatever reads it would complain of the wrong thing.
 * @param file name for messages
 * @throws CipherconvError `unreadable`.
 */
export function refuseLfsPointer(bytes: Uint8Array, file: string): void {
  if (bytes.length > LARGEST_LFS_POINTER) return;
  const text = new TextDecoder('latin1').decode(bytes);
  if (!text.startsWith(FIRST_LINE)) return;
  const size = /^size (\d{1,20})$/m.exec(text)?.[1];
  throw new CipherconvError({
    code: 'unreadable',
    where: file,
    message: 'a Git LFS pointer, not the file itself',
    ...(size === undefined ? {} : { found: `a pointer to ${size} bytes` }),
    hint: 'git lfs pull',
  });
}
