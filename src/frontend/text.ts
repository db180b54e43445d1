import { constants } from 'node:buffer';
import { CipherconvError } from '../../compiler/base/errors.ts';
import { hintForText, kindOfBytes } from './kindOfBytes.ts';

/** What one JavaScript string holds, were every character one byte: 512 MiB less 24 bytes. */
const LARGEST_TEXT_BYTES = constants.MAX_STRING_LENGTH;

/** @throws CipherconvError `unreadable` for a text of more bytes than `limit`. */
export function requireTextLength(bytes: number, file: string, limit = LARGEST_TEXT_BYTES): void {
  if (bytes <= limit) return;
  throw new CipherconvError({
    code: 'unreadable',
    where: file,
    message: 'the text is too long',
    expected: `at most ${limit} bytes`,
    found: `${bytes} bytes`,
  });
}

/** @throws CipherconvError `unreadable` for bytes that are not UTF-8, or more than `limit`. */
export function decodeText(bytes: Uint8Array, file: string, limit = LARGEST_TEXT_BYTES): string {
  requireTextLength(bytes.length, file, limit);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    const kind = kindOfBytes(bytes);
    throw new CipherconvError(
      {
        code: 'unreadable',
        where: file,
        message: 'not a text file',
        expected: 'text in UTF-8',
        found: kind === null ? 'bytes that are not UTF-8' : kind.what,
        ...(kind === null ? {} : { hint: hintForText(kind, file) }),
      },
      { cause: error },
    );
  }
}
