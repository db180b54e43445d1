import { CipherconvError } from '../../compiler/base/errors.ts';

/**
 * The frame of a JPEG file from a stranger, read before a decoder sees it: what it claims must be possible with the bytes
 * that are there, and comments, profiles and thumbnails are left out of what the decoder gets.
 */
export interface JpegHeader {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  /** The file without application segments (Adobe's apart, which names the colours) and comments. */
  readonly stripped: Uint8Array;
}

/**
 * 2048 x 2048. The decoder takes some 40 bytes a pixel and more time than the file's length tells: a file of 49 kB that
 * claims as many pixels takes 180 MB beside what the program has, and two seconds.
 */
const LARGEST_PIXEL_COUNT = 2 ** 22;
/**
 * A block of 64 pixels takes a bit at least in the first scan, so a byte holds 512 pixels at most. A file below that is
 * refused unread; one above it may still be damaged. Later scans may say nothing of many blocks and are walked over all
 * the same: the second bound is theirs.
 */
const LARGEST_PIXELS_PER_BYTE = 512;
const LARGEST_SCANNED_PIXELS = 2 ** 28;

const [START, END, START_OF_SCAN, COMMENT, EXIF, ADOBE] = [0xd8, 0xd9, 0xda, 0xfe, 0xe1, 0xee];
const FRAMES: Readonly<Record<number, 'read' | 'other'>> = {
  0xc0: 'read',
  0xc1: 'read',
  0xc2: 'read',
  ...Object.fromEntries(
    [0xc3, 0xc5, 0xc6, 0xc7, 0xc9, 0xca, 0xcb, 0xcd, 0xce, 0xcf].map((marker) => [marker, 'other']),
  ),
};

type Frame = Pick<JpegHeader, 'width' | 'height' | 'channels'>;

/** @throws CipherconvError `malformed-picture`, or `unsupported` for kinds and sizes that we do not read. */
export function readJpegHeader(bytes: Uint8Array, file: string): JpegHeader {
  if (bytes[0] !== 0xff || bytes[1] !== START) return broken(file, null);
  const kept: Uint8Array[] = [bytes.subarray(0, 2)];
  let frame: Frame | null = null;
  let scans = 0;
  for (let at = 2; ;) {
    const marker = bytes[at + 1];
    if (bytes[at] !== 0xff || marker === undefined || at + 4 > bytes.length) {
      if (marker === END) break;
      return broken(file, 'it is cut off, or no marker stands where one should');
    }
    if (marker === END) break;
    const length = (bytes[at + 2]! << 8) | bytes[at + 3]!;
    let end = at + 2 + length;
    if (length < 2 || end > bytes.length) return broken(file, 'it is cut off');
    const data = bytes.subarray(at + 4, end);
    if (FRAMES[marker] !== undefined) {
      if (frame !== null) return broken(file, 'it has two frames');
      frame = frameOf(marker, data, file);
    }
    if (marker === EXIF) requireUpright(data, file);
    if (marker === START_OF_SCAN) {
      scans++;
      end = endOfScan(bytes, end);
    }
    if (!isIgnored(marker)) kept.push(bytes.subarray(at, end));
    at = end;
  }
  if (frame === null || scans === 0) return broken(file, 'it has no picture in it');
  requireWork(frame, scans, bytes.length, file);
  kept.push(Uint8Array.of(0xff, END));
  return { ...frame, stripped: Buffer.concat(kept) };
}

function isIgnored(marker: number): boolean {
  return marker === COMMENT || (marker >= 0xe0 && marker <= 0xef && marker !== ADOBE);
}

/** Entropy-coded data end at a marker that is neither a stuffed byte nor a restart. */
function endOfScan(bytes: Uint8Array, from: number): number {
  for (let at = bytes.indexOf(0xff, from); at >= 0; at = bytes.indexOf(0xff, at + 1)) {
    const next = bytes[at + 1];
    if (next !== undefined && next !== 0 && next !== 0xff && (next < 0xd0 || next > 0xd7)) return at;
  }
  return bytes.length;
}

function frameOf(marker: number, data: Uint8Array, file: string): Frame {
  const [precision, high = 0, low = 0, left = 0, right = 0, components] = data;
  if (FRAMES[marker] !== 'read' || precision !== 8) {
    return unsupported(file, 'JPEG of this kind', 'baseline or progressive, 8 bits, Huffman codes');
  }
  const ids = Array.from({ length: components ?? 0 }, (_, index) => data[6 + 3 * index]);
  if (components !== 1 && components !== 3) return unsupported(file, 'JPEG of these colours', 'grey or RGB');
  // The decoder takes all three components for YCbCr, unless Adobe's segment says otherwise.
  if (String.fromCharCode(...ids.map((id) => id ?? 0)) === 'RGB')
    return unsupported(file, 'JPEG that stores red, green and blue', 'grey or YCbCr');
  const [width, height] = [(left << 8) | right, (high << 8) | low];
  if (width * height === 0) return broken(file, 'the picture is empty');
  return { width, height, channels: components };
}

/** What is claimed must be possible with what is there, and cost no more than a picture of the largest size does. */
function requireWork({ width, height }: Frame, scans: number, byteCount: number, file: string): void {
  const pixels = width * height;
  const found = `${width} x ${height}`;
  if (pixels > LARGEST_PIXEL_COUNT) {
    const message = 'the picture is too large';
    const expected = 'at most 2^22 pixels in a JPEG (2048 x 2048)';
    const hint = 'save it smaller, or as PNG';
    throw new CipherconvError({ code: 'unsupported', where: file, message, expected, found, hint });
  }
  if (pixels > LARGEST_PIXELS_PER_BYTE * byteCount) {
    return broken(file, `it is cut off: ${byteCount} bytes cannot hold ${found} pixels`);
  }
  if (pixels * scans > LARGEST_SCANNED_PIXELS) {
    const message = 'the picture has too many scans for its size';
    const hint = 'save it again, or as PNG';
    throw new CipherconvError({
      code: 'unsupported',
      where: file,
      message,
      found: `${scans} scans of ${found}`,
      hint,
    });
  }
}

/** A turned picture would be turned by browsers and not here: it is refused, so that both read the same samples. */
function requireUpright(data: Uint8Array, file: string): void {
  if (String.fromCharCode(...data.subarray(0, 6)) !== 'Exif\0\0') return;
  const orientation = orientationOf(data.subarray(6));
  if (orientation === 1) return;
  throw new CipherconvError({
    code: 'unsupported',
    where: file,
    message: 'not supported yet: a JPEG that its camera marked as turned',
    found: `EXIF orientation ${orientation}`,
    hint: 'save it upright, or as PNG',
  });
}

/** The orientation in the first directory of a TIFF header, 1 (upright) where there is none. */
function orientationOf(tiff: Uint8Array): number {
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.byteLength);
  const isLittle = tiff[0] === 0x49;
  if (tiff.length < 8) return 1;
  const at = view.getUint32(4, isLittle);
  if (at + 2 > tiff.length) return 1;
  const count = view.getUint16(at, isLittle);
  for (let entry = at + 2; entry < at + 2 + 12 * count && entry + 12 <= tiff.length; entry += 12) {
    if (view.getUint16(entry, isLittle) === 0x0112) return view.getUint16(entry + 8, isLittle);
  }
  return 1;
}

function unsupported(file: string, what: string, expected: string): never {
  const hint = 'save it as PNG';
  throw new CipherconvError({
    code: 'unsupported',
    where: file,
    message: `not supported yet: ${what}`,
    expected,
    hint,
  });
}

function broken(file: string, reason: string | null): never {
  const message = reason === null ? 'not a JPEG picture' : `the JPEG cannot be read: ${reason}`;
  throw new CipherconvError({ code: 'malformed-picture', where: file, message });
}
