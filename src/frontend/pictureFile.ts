import { displayName, readBytes } from './files.ts';
import { decodeJpeg } from './jpeg.ts';
import { decodePicture } from './picture.ts';
import type { Picture } from './pictureTensor.ts';

/** How the names of pictures end, in lower case. */
export const PICTURE_KINDS: readonly string[] = ['.png', '.jpg', '.jpeg'];

/**
 * Reads a picture by how its name ends: PNG, or JPEG where jpeg-js is installed.
 * @param kind one of `PICTURE_KINDS`
 * @throws CipherconvError `unreadable`, `malformed-picture` or `unsupported`.
 */
export async function readPicture(path: string, kind: string): Promise<Picture> {
  const bytes = await readBytes(path);
  return kind === '.png' ? decodePicture(bytes, displayName(path)) : decodeJpeg(bytes, displayName(path));
}
