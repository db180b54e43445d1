import { crc32, deflateSync, inflateSync } from 'node:zlib';
import { CipherconvError } from '../../compiler/base/errors.ts';

/**
 * PNG files from strangers. What a decoder gets is rebuilt from what was checked: the header, the palette, and exactly the
 * bytes of the scanlines. Ancillary chunks (profiles, texts, times) are dropped unread, and nothing is unpacked beyond what
 * the header's size needs, so a small file can neither claim nor unpack more than its pixels.
 */

/** Pixels beyond which a picture is refused before anything is unpacked: 8192 x 8192, the elements of one tensor. */
export const LARGEST_PIXEL_COUNT = 2 ** 26;

/** Bytes of unpacked pixels beyond which a picture is refused as well: so many pixels, grey, of 16 bits. */
const LARGEST_PIXEL_BYTES = 2 * LARGEST_PIXEL_COUNT;
/** Chunks that a decoder needs; writers that cut the data into pieces of 2 kB still make fewer. */
const LARGEST_CHUNK_COUNT = 2 ** 16;

const SIGNATURE_BYTES = 8;
const HEADER_BYTES = 13;
/** Length and type before the data of a chunk, its CRC after them. */
const CHUNK_FRAME_BYTES = 12;

/** Samples of a pixel, and the depths allowed, by colour type (PNG 3rd edition, table 12). */
const COLOUR_TYPES: Readonly<
  Record<number, { readonly samples: number; readonly depths: readonly number[] }>
> = {
  0: { samples: 1, depths: [1, 2, 4, 8, 16] },
  2: { samples: 3, depths: [8, 16] },
  3: { samples: 1, depths: [1, 2, 4, 8] },
  4: { samples: 2, depths: [8, 16] },
  6: { samples: 4, depths: [8, 16] },
};

/** First column and row, and steps, of the passes of Adam7. */
const PASSES = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

interface Chunk {
  readonly type: string;
  readonly data: Uint8Array;
  /** The whole chunk as it stands in the file. */
  readonly whole: Uint8Array;
  readonly crc: number;
}

/**
 * The picture of `bytes` with nothing in it but header, palette, transparency and one unpacked IDAT, for a decoder.
 * @throws CipherconvError `malformed-picture`, or `unsupported` for sizes and kinds that we do not read.
 */
export function boundedPng(bytes: Uint8Array, file: string): Uint8Array {
  const kept = criticalChunks(bytes, file);
  const header = kept[0];
  if (header?.type !== 'IHDR' || header.data.length !== HEADER_BYTES) return broken(file, 'it has no header');
  const scanlines = unpack(kept, scanlineBytes(header.data, file), file);
  const before = kept.filter(({ type }) => type !== 'IDAT' && type !== 'IEND');
  if (before.filter(({ type }) => type === 'IHDR').length > 1) return broken(file, 'it has two headers');
  if (before.some(({ type, data }) => type !== 'IHDR' && data.length > 3 * 256))
    return broken(file, 'its palette has more than 256 colours');
  return Buffer.concat([
    bytes.subarray(0, SIGNATURE_BYTES),
    ...before.map(({ whole }) => whole),
    // Stored, not compressed: a decoder that reads it cannot be led anywhere else.
    makeChunk('IDAT', deflateSync(scanlines, { level: 0 })),
    makeChunk('IEND', new Uint8Array(0)),
  ]);
}

/** The chunks that a decoder needs, in order, up to IEND. Ancillary chunks are stepped over. */
function criticalChunks(bytes: Uint8Array, file: string): Chunk[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const kept: Chunk[] = [];
  let at = SIGNATURE_BYTES;
  while (at + CHUNK_FRAME_BYTES <= bytes.length) {
    const length = view.getUint32(at);
    const end = at + CHUNK_FRAME_BYTES + length;
    if (end > bytes.length) return cutOff(file);
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (isNeeded(type, file)) {
      if (kept.length === LARGEST_CHUNK_COUNT)
        return broken(file, `it is cut into more than ${LARGEST_CHUNK_COUNT} chunks`);
      const data = bytes.subarray(at + 8, end - 4);
      kept.push({ type, data, whole: bytes.subarray(at, end), crc: view.getUint32(end - 4) });
    }
    if (type === 'IEND') return kept;
    at = end;
  }
  return cutOff(file);
}

function isNeeded(type: string, file: string): boolean {
  if (['IHDR', 'PLTE', 'tRNS', 'IDAT', 'IEND'].includes(type)) return true;
  // A capital first letter: whoever does not know the chunk cannot read the picture.
  if (!/^[A-Z]/.test(type)) return false;
  throw new CipherconvError({
    code: 'unsupported',
    where: file,
    message: 'not supported yet: a chunk of this kind in a PNG',
    found: JSON.stringify(type),
  });
}

/** Bytes of the scanlines, a filter byte before each, of what the header claims. */
function scanlineBytes(header: Uint8Array, file: string): number {
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  const [width, height] = [view.getUint32(0), view.getUint32(4)];
  const [depth = 0, colourType = -1, , , interlacing = -1] = header.subarray(8);
  if (width * height === 0) {
    throw new CipherconvError({ code: 'malformed-picture', where: file, message: 'the picture is empty' });
  }
  requirePixelCount(width, height, file);
  const kind = COLOUR_TYPES[colourType];
  if (kind?.depths.includes(depth) !== true || interlacing > 1)
    return broken(file, `there is no colour type ${colourType} of ${depth} bits`);
  if (interlacing !== 0 && depth < 8) {
    throw new CipherconvError({
      code: 'unsupported',
      where: file,
      message: 'not supported yet: interlaced pictures of less than 8 bits',
      hint: 'save the picture without interlacing',
    });
  }
  const bits = depth * kind.samples;
  if (width * height * (bits / 8) > LARGEST_PIXEL_BYTES)
    return tooLarge(file, 'at most 2^27 bytes of pixels', `${width} x ${height} pixels of ${bits} bits`);
  const rowBytes = (columns: number): number => 1 + Math.ceil((columns * bits) / 8);
  if (interlacing === 0) return height * rowBytes(width);
  return PASSES.reduce((sum, [column, row, stepX, stepY]) => {
    const [columns, rows] = [Math.ceil((width - column) / stepX), Math.ceil((height - row) / stepY)];
    return columns > 0 && rows > 0 ? sum + rows * rowBytes(columns) : sum;
  }, 0);
}

/**
 * Refuses a size before anything of it is made.
 * @throws CipherconvError `unsupported`.
 */
function requirePixelCount(width: number, height: number, file: string): void {
  if (width * height > LARGEST_PIXEL_COUNT) tooLarge(file, 'at most 2^26 pixels', `${width} x ${height}`);
}

function tooLarge(file: string, expected: string, found: string): never {
  const message = 'the picture is too large';
  throw new CipherconvError({ code: 'unsupported', where: file, message, expected, found });
}

/** Exactly `length` bytes from all IDAT chunks, whose CRCs are checked first. */
function unpack(chunks: readonly Chunk[], length: number, file: string): Uint8Array {
  for (const { type, whole, crc } of chunks) {
    if (crc32(whole.subarray(4, -4)) !== crc) return broken(file, `the CRC of its ${type} chunk is wrong`);
  }
  const packed = Buffer.concat(chunks.flatMap(({ type, data }) => (type === 'IDAT' ? [data] : [])));
  let unpacked: Uint8Array;
  try {
    unpacked = inflateSync(packed, { maxOutputLength: length });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null;
    if (code === 'ERR_BUFFER_TOO_LARGE') return broken(file, 'more is packed into it than its size says');
    if (code === 'Z_BUF_ERROR') return cutOff(file);
    return broken(file, 'its data cannot be unpacked');
  }
  return unpacked.length === length ? unpacked : cutOff(file);
}

function makeChunk(type: string, data: Uint8Array): Uint8Array {
  const chunk = Buffer.alloc(CHUNK_FRAME_BYTES + data.length);
  chunk.writeUInt32BE(data.length, 0);
  chunk.write(type, 4, 'latin1');
  chunk.set(data, 8);
  chunk.writeUInt32BE(crc32(chunk.subarray(4, -4)), chunk.length - 4);
  return chunk;
}

function cutOff(file: string): never {
  return broken(file, 'it is cut off');
}

function broken(file: string, reason: string): never {
  throw new CipherconvError({
    code: 'malformed-picture',
    where: file,
    message: `the PNG cannot be read: ${reason}`,
  });
}
