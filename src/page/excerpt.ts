import { MESSAGE_HEADER_BYTES } from '../client/index.ts';
import type { Excerpt } from './messages.ts';

/** Enough for a picture of 128 x 128 bytes. */
const EXCERPT_BYTES = MESSAGE_HEADER_BYTES + 2 ** 14;

/** The beginning of a message, which is all that is shown of it. */
export function excerptOf(message: Uint8Array): Excerpt {
  const bytes = message.slice(0, EXCERPT_BYTES);
  return { length: message.length, bytes, headerBytes: MESSAGE_HEADER_BYTES };
}
