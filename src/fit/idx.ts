import { CipherconvError } from '../../compiler/base/errors.ts';

/**
 * idx files, as MNIST comes: two bytes 0, the element type, the number of axes, an extent of 32 bits for each, big endian,
 * then the elements (http://yann.lecun.com/exdb/mnist/). Bytes without a sign only.
 */

const UNSIGNED_BYTES = 0x08;
const HEADER_BYTES = 4;

/** Bytes with a shape. */
export interface ByteTensor {
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

/** Whether it starts as an idx file does. */
export function looksLikeIdx(bytes: Uint8Array): boolean {
  const [first, second, , axes] = bytes;
  return (
    bytes.length >= HEADER_BYTES && first === 0 && second === 0 && axes !== undefined && axes > 0 && axes <= 8
  );
}

/**
 * @param file name for messages
 * @throws CipherconvError `malformed-tensor`
 */
export function decodeIdx(bytes: Uint8Array, file: string): ByteTensor {
  const refuse = (message: string, expected: string, found: string): never => {
    throw new CipherconvError({ code: 'malformed-tensor', where: file, message, expected, found });
  };
  const [, , type, axes = 0] = bytes;
  if (type !== UNSIGNED_BYTES) {
    const found = `type 0x${(type ?? 0).toString(16).padStart(2, '0')}`;
    return refuse('not supported yet: idx files of other elements', 'unsigned bytes (type 0x08)', found);
  }
  const start = HEADER_BYTES + 4 * axes;
  if (bytes.length < start)
    return refuse('the header is cut off', `${start} bytes of header`, `${bytes.length} bytes in all`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const shape = Array.from({ length: axes }, (_, axis) => view.getUint32(HEADER_BYTES + 4 * axis));
  const count = shape.reduce((product, extent) => product * extent, 1);
  const found = bytes.length - start;
  if (count !== found) {
    const message = count > found ? 'the file is cut off' : 'there are bytes left over';
    return refuse(
      message,
      `${count} bytes for shape [${shape.join(', ')}] after the header`,
      `${found} bytes`,
    );
  }
  return { shape, data: bytes.subarray(start) };
}
