import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { encode } from 'jpeg-js';
import { describe, expect, it } from 'vitest';
import { decodeJpeg } from '../../src/frontend/jpeg.ts';
import { readJpegHeader } from '../../src/frontend/jpegHeader.ts';
import { refusal } from './fixtures.ts';

/** A JPEG of one colour a half: left red, right grey. */
function halves(width: number, height: number): Buffer {
  const data = Buffer.alloc(width * height * 4, 255);
  for (let pixel = 0; pixel < width * height; pixel++)
    data.set(pixel % width < width / 2 ? [200, 30, 40] : [90, 90, 90], 4 * pixel);
  return encode({ width, height, data }, 95).data;
}

const START = Buffer.of(0xff, 0xd8);

function segment(marker: number, data: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of(0xff, marker, (data.length + 2) >> 8, (data.length + 2) & 255), data]);
}

/** A baseline frame header. */
function frame(width: number, height: number, marker = 0xc0, precision = 8, ids = [1, 2, 3]): Buffer {
  const size = [height >> 8, height & 255, width >> 8, width & 255];
  return segment(
    marker,
    Buffer.from([precision, ...size, ids.length, ...ids.flatMap((id) => [id, 0x11, 0])]),
  );
}

const scan = (bytes: number): Buffer =>
  Buffer.concat([segment(0xda, Buffer.from([1, 1, 0, 0, 63, 0])), Buffer.alloc(bytes, 1)]);
const END = Buffer.of(0xff, 0xd9);

/** Every block says in two bits that it is flat: the most pixels that a file of this length can hold. */
function flat(width: number, height: number, ids: readonly number[]): Buffer {
  const table = (kind: number): Buffer =>
    segment(0xc4, Buffer.from([kind, 1, ...Array<number>(15).fill(0), 0]));
  const blocks = Math.ceil(width / 8) * Math.ceil(height / 8) * ids.length;
  return Buffer.concat([
    START,
    segment(0xdb, Buffer.from([0, ...Array<number>(64).fill(1)])),
    table(0),
    table(0x10),
    frame(width, height, 0xc0, 8, [...ids]),
    segment(0xda, Buffer.from([ids.length, ...ids.flatMap((id) => [id, 0]), 0, 63, 0])),
    Buffer.alloc(Math.ceil((2 * blocks) / 8)),
    END,
  ]);
}

/**
 * Samples of a picture file, and the most memory (MiB) that a process of its own held while it decoded them. On Linux
 * `maxRSS` of a process begins with what the process held that started it, here one that runs many tests; VmHWM does not.
 */
function decodeApart(bytes: Uint8Array): { samples: number; peakMebibytes: number } {
  const module = JSON.stringify(join(import.meta.dirname, '..', '..', 'src', 'frontend', 'jpeg.ts'));
  const program = `
    const { decodeJpeg } = await import(${module});
    const { samples } = await decodeJpeg(require('node:fs').readFileSync(0), 'hostile.jpg');
    const { existsSync, readFileSync } = require('node:fs');
    const status = '/proc/self/status';
    const peakMebibytes = existsSync(status)
      ? Number(/^VmHWM:\\s+(\\d+) kB/m.exec(readFileSync(status, 'latin1'))[1]) / 1024
      : process.resourceUsage().maxRSS / 1024;
    console.log(JSON.stringify({ samples: samples.length, peakMebibytes }));`;
  const run = `(async () => { ${program} })()`;
  const text = execFileSync(process.execPath, ['--input-type=commonjs', '-e', run], { input: bytes });
  return JSON.parse(text.toString()) as { samples: number; peakMebibytes: number };
}

/** EXIF that says how the camera was held. */
function turned(orientation: number, isLittle: boolean): Buffer {
  const tiff = Buffer.alloc(22);
  tiff.write(isLittle ? 'II' : 'MM', 0, 'latin1');
  const put16 = (value: number, at: number): unknown =>
    isLittle ? tiff.writeUInt16LE(value, at) : tiff.writeUInt16BE(value, at);
  const put32 = (value: number, at: number): unknown =>
    isLittle ? tiff.writeUInt32LE(value, at) : tiff.writeUInt32BE(value, at);
  put16(42, 2);
  put32(8, 4);
  put16(1, 8);
  put16(0x0112, 10);
  put16(3, 12);
  put32(1, 14);
  put16(orientation, 18);
  return segment(0xe1, Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), tiff]));
}

describe('a JPEG as input', () => {
  it('is read in colour', async () => {
    const picture = await decodeJpeg(halves(32, 16), 'a.jpg');
    expect(picture).toMatchObject({ width: 32, height: 16, channels: 3, depth: 8 });
    const at = (row: number, column: number): number[] => [
      ...picture.samples.subarray((row * 32 + column) * 3, (row * 32 + column) * 3 + 3),
    ];
    // Lossy, but near.
    [200, 30, 40].forEach((value, channel) => {
      expect(Math.abs(at(4, 4)[channel]! - value)).toBeLessThan(6);
    });
    for (const value of at(12, 28)) expect(Math.abs(value - 90)).toBeLessThan(4);
  });

  it('is stripped of comments, profiles and thumbnails before the decoder sees it', () => {
    const bytes = halves(16, 16);
    const ballast = [0xe1, 0xe2, 0xed, 0xfe].map((marker) => segment(marker, Buffer.alloc(60_000, marker)));
    const swollen = Buffer.concat([START, ...ballast, bytes.subarray(2)]);
    const { stripped } = readJpegHeader(swollen, 'a.jpg');
    expect(stripped.length).toBeLessThanOrEqual(bytes.length);
    expect(readJpegHeader(Buffer.from(stripped), 'a.jpg').stripped).toEqual(stripped);
  });

  it('claims no more pixels than its bytes can hold, nor than a decoder has room for', () => {
    const claims = (width: number, height: number, bytes: number): Buffer =>
      Buffer.concat([START, frame(width, height), scan(bytes), END]);
    const own = claims(1, 1, 0).length;
    // 512 pixels a byte: exactly as many are let through to the decoder, one column more is not.
    const height = 64;
    expect(readJpegHeader(claims((512 * (own + 1000)) / height, height, 1000), 'a.jpg')).toMatchObject({
      height,
    });
    refusal(
      () => readJpegHeader(claims((512 * (own + 1000)) / height + 1, height, 1000), 'a.jpg'),
      'malformed-picture',
      'cut off',
    );
    expect(readJpegHeader(claims(2048, 2048, 40_000), 'a.jpg')).toMatchObject({ width: 2048 });
    refusal(() => readJpegHeader(claims(2048, 2049, 40_000), 'a.jpg'), 'unsupported', 'at most 2^22 pixels');
    refusal(() => readJpegHeader(claims(65535, 65535, 0), 'a.jpg'), 'unsupported', 'too large');
  });

  it.each([
    ['grey', [1]],
    ['colour', [1, 2, 3]],
  ])('of the most pixels in the fewest bytes, %s, is decoded within 300 MB', (_, ids) => {
    const bytes = flat(2048, 2048, ids);
    expect(bytes.length).toBeLessThan(50_000);
    const { samples, peakMebibytes } = decodeApart(bytes);
    expect(samples).toBe(2 ** 22 * ids.length);
    expect(peakMebibytes).toBeLessThan(300);
  });

  it('has not more scans than a picture of its size needs', () => {
    const scans = (count: number): Buffer =>
      Buffer.concat([
        START,
        frame(2048, 2048, 0xc2),
        ...Array.from({ length: count }, () => scan(1000)),
        END,
      ]);
    expect(readJpegHeader(scans(64), 'a.jpg').channels).toBe(3);
    refusal(() => readJpegHeader(scans(65), 'a.jpg'), 'unsupported', 'too many scans');
  });

  it.each([
    ['a PNG by that name', Buffer.from('\x89PNG\r\n\x1a\n....'), 'malformed-picture', 'not a JPEG'],
    ['nothing', Buffer.alloc(0), 'malformed-picture', 'not a JPEG'],
    ['a start alone', START, 'malformed-picture', 'cut off'],
    ['an end at once', Buffer.concat([START, END]), 'malformed-picture', 'no picture in it'],
    [
      'a segment longer than the file',
      Buffer.concat([START, Buffer.of(0xff, 0xe0, 255, 255)]),
      'malformed-picture',
      'cut off',
    ],
    ['no pixels', Buffer.concat([START, frame(0, 8), scan(9), END]), 'malformed-picture', 'empty'],
    [
      'two frames',
      Buffer.concat([START, frame(8, 8), frame(8, 8), scan(9), END]),
      'malformed-picture',
      'two frames',
    ],
    [
      'lossless',
      Buffer.concat([START, frame(8, 8, 0xc3), scan(9), END]),
      'unsupported',
      'baseline or progressive',
    ],
    ['12 bits', Buffer.concat([START, frame(8, 8, 0xc1, 12), scan(9), END]), 'unsupported', '8 bits'],
    [
      'CMYK',
      Buffer.concat([START, frame(8, 8, 0xc0, 8, [1, 2, 3, 4]), scan(9), END]),
      'unsupported',
      'grey or RGB',
    ],
    [
      'plain RGB',
      Buffer.concat([START, frame(8, 8, 0xc0, 8, [82, 71, 66]), scan(9), END]),
      'unsupported',
      'YCbCr',
    ],
    [
      'turned',
      Buffer.concat([START, turned(6, true), frame(8, 8), scan(9), END]),
      'unsupported',
      'orientation 6',
    ],
    [
      'turned, the other byte order',
      Buffer.concat([START, turned(3, false), frame(8, 8), scan(9), END]),
      'unsupported',
      'orientation 3',
    ],
  ] as const)('is refused: %s', (_, bytes, code, part) => {
    refusal(() => readJpegHeader(bytes, 'a.jpg'), code, 'a.jpg', part);
  });

  it('upright by its EXIF is read', () => {
    const bytes = Buffer.concat([START, turned(1, true), halves(16, 16).subarray(2)]);
    expect(readJpegHeader(bytes, 'a.jpg')).toMatchObject({ width: 16, height: 16 });
  });

  it('damaged or cut off anywhere is refused, or read, and never anything else', async () => {
    const bytes = halves(24, 24);
    for (let length = 0; length < bytes.length; length += 7) {
      const cut = Buffer.concat([bytes.subarray(0, length), END]);
      const outcome = await decodeJpeg(cut, 'cut.jpg').then(
        ({ samples }) => samples.length,
        (error: unknown) => error,
      );
      if (typeof outcome === 'number') expect(outcome).toBe(24 * 24 * 3);
      else expect(outcome).toMatchObject({ name: 'CipherconvError', details: { where: 'cut.jpg' } });
    }
  });
});
