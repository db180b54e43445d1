import { closeSync, fstatSync, openSync, readFileSync, readSync, realpathSync } from 'node:fs';
import { isAbsolute, join, relative, sep } from 'node:path';
import type { TensorProto } from './onnx_pb.ts';
import { malformed, quoted, unsupported } from '../refusal.ts';
import { noteInput, unreadable } from '../../files.ts';
import { LARGEST_LFS_POINTER, refuseLfsPointer } from '../../lfsPointer.ts';

/** Reads the bytes of a tensor that stand in another file. */
export type ExternalReader = (proto: TensorProto, byteLength: number, where: string) => Uint8Array;

/**
 * External data below `folder` only: a location that is absolute, climbs out with `..` or leads out through a symbolic
 * link is refused, so that a model cannot make us read other files.
 * @param folder null for models that come without one
 */
export function externalReader(folder: string | null): ExternalReader {
  return (proto, byteLength, where) => {
    const entries = new Map(proto.externalData.map(({ key, value }) => [key, value]));
    const location = entries.get('location') ?? '';
    if (folder === null) {
      throw unsupported({
        where,
        message: 'external data, but the model was not read from a folder',
        found: `location ${quoted(location)}`,
        hint: 'give the path of the model, or the folder of its data',
      });
    }
    const path = insideOf(folder, location, where);
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
function insideOf(folder: string, location: string, where: string): string {
  const parts = location.split(/[\\/]/);
  const refuse = (found: string): never => {
    throw malformed({
      where,
      message: "external data outside the model's folder",
      expected: `a file below the model's folder`,
      found,
    });
  };
  if (location === '' || location.includes('\0') || parts.includes('..')) refuse(quoted(location));
  if (isAbsolute(location) || /^([a-zA-Z]:|[\\/])/.test(location)) refuse(quoted(location));
  let path: string;
  let root: string;
  try {
    root = realpathSync(folder);
    path = realpathSync(join(root, ...parts));
  } catch (error) {
    throw unreadable(`${where}: external data ${quoted(location)}`, error);
  }
  const inner = relative(root, path);
  if (inner === '' || inner === '..' || inner.startsWith(`..${sep}`) || isAbsolute(inner))
    refuse(`${quoted(location)}, a link that leads out of it`);
  return path;
}

function readPart(path: string, offset: number, byteLength: number, where: string): Uint8Array {
  let descriptor: number;
  try {
    noteInput(path);
    descriptor = openSync(path, 'r');
  } catch (error) {
    throw unreadable(path, error);
  }
  try {
    const stat = fstatSync(descriptor);
    if (stat.isFile() && stat.size <= LARGEST_LFS_POINTER) refuseLfsPointer(readFileSync(descriptor), path);
    // Compared before anything is allocated: offset and length can claim any size.
    if (!stat.isFile() || offset + byteLength > stat.size) {
      throw malformed({
        where,
        message: 'the external data are cut off',
        expected: `${byteLength} bytes from byte ${offset} of a file`,
        found: stat.isFile() ? `a file of ${stat.size} bytes` : 'no regular file',
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
