import { closeSync, readFileSync, readSync } from 'node:fs';
import { CipherconvError } from '../../../../compiler/base/errors.ts';
import { malformed, quoted } from '../refusal.ts';
import { noExternalData } from './externalReader.ts';
import type { ExternalReader } from './externalReader.ts';
import { noteInput, unreadable } from '../../files.ts';
import { LARGEST_LFS_POINTER, refuseLfsPointer } from '../../lfsPointer.ts';
import { insideOf, openRegularSync } from '../../regularFiles.ts';
import type { RegularFile } from '../../regularFiles.ts';

/**
 * External data below `folder` only: a location that is absolute, climbs out with `..` or leads out through a symbolic
 * link is refused, so that a model cannot make us read other files.
 * @param folder null for models that come without one
 */
export function externalReader(folder: string | null): ExternalReader {
  if (folder === null) return noExternalData;
  return (proto, byteLength, where) => {
    const entries = new Map(proto.externalData.map(({ key, value }) => [key, value]));
    const location = entries.get('location') ?? '';
    const path = locate(folder, location, where);
    const offset = decimal(entries.get('offset') ?? '0', 'offset', where);
    const length = decimal(entries.get('length') ?? String(byteLength), 'length', where);
    if (length !== byteLength) {
      throw malformed({
        where,
        message: 'the length of the external data does not fill the shape',
        expected: `${byteLength} bytes`,
        found: `length ${length}`,
      });
    }
    return readPart(path, offset, byteLength, where);
  };
}

function decimal(text: string, key: string, where: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw malformed({
    where,
    message: `the ${key} of the external data is not a number of bytes`,
    expected: 'decimal digits',
    found: quoted(text),
  });
}

/** The file that `location` leads to, links followed; it must lie below `folder`. */
function locate(folder: string, location: string, where: string): string {
  try {
    const inside = insideOf(folder, location);
    if (inside.kind === 'inside') return inside.path;
    throw malformed({
      where,
      message: "external data outside the model's folder",
      expected: "a file below the model's folder",
      found: `${quoted(location)}, ${inside.reason}`,
    });
  } catch (error) {
    if (error instanceof CipherconvError) throw error;
    throw unreadable(`${where}: external data ${quoted(location)}`, error);
  }
}

function readPart(path: string, offset: number, byteLength: number, where: string): Uint8Array {
  noteInput(path);
  let file: RegularFile;
  try {
    file = openRegularSync(path);
  } catch (error) {
    throw unreadable(`${where}: ${path}`, error);
  }
  const { descriptor, size } = file;
  try {
    if (size <= LARGEST_LFS_POINTER) refuseLfsPointer(readFileSync(descriptor), path);
    // Compared before anything is allocated: offset and length can claim any size.
    if (offset + byteLength > size) {
      throw malformed({
        where,
        message: 'the external data are cut off',
        expected: `${byteLength} bytes from byte ${offset} of a file`,
        found: `a file of ${size} bytes`,
      });
    }
    const bytes = new Uint8Array(byteLength);
    let done = 0;
    while (done < byteLength) {
      const count = readSync(descriptor, bytes, done, byteLength - done, offset + done);
      if (count === 0) throw unreadable(path, new Error('it became shorter while it was read'));
      done += count;
    }
    return bytes;
  } finally {
    closeSync(descriptor);
  }
}
