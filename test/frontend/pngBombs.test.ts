import { deflateSync, inflateSync } from 'node:zlib';
import { describe, expect, it, vi } from 'vitest';
import { decodePicture } from '../../src/frontend/picture.ts';
import { boundedPng, LARGEST_PIXEL_COUNT } from '../../src/frontend/png.ts';
import { chunk, png, refusal } from './fixtures.ts';

const fastPng = vi.hoisted(() => ({ sizes: [] as number[] }));
vi.mock(import('fast-png'), async (original) => {
  const real = await original();
  return {
    ...real,
    decode: (bytes, options) => {
      fastPng.sizes.push(bytes.byteLength);
      return real.decode(bytes, options);
    },
  };
});

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

/** The chunks of a grey 8x8 picture of 8 bits whose data are `packed`, others before them. */
function grey8x8(packed: Uint8Array, others: readonly Uint8Array[] = [], size = [8, 8]): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(size[0]!, 0);
  header.writeUInt32BE(size[1]!, 4);
  header.set([8, 0, 0, 0, 0], 8);
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', header),
    ...others,
    chunk('IDAT', packed),
    chunk('IEND', new Uint8Array(0)),
  ]);
}

const rows = Buffer.alloc(72, 7);
for (let row = 0; row < 8; row++) rows[9 * row] = 0;

/** What the decoder is handed, at most: signature, header, scanlines stored in one IDAT, end. */
const BOUND = 8 + 25 + (12 + 72 + 11) + 12;

describe('PNG bombs', () => {
  it('a picture without tricks is handed over in full', () => {
    fastPng.sizes.length = 0;
    expect(Array.from(decodePicture(grey8x8(deflateSync(rows)), 'a.png').samples)).toEqual(
      new Array(64).fill(7),
    );
    expect(fastPng.sizes).toEqual([BOUND]);
  });

  it('data that unpack to more than the scanlines are refused, and never handed to the decoder', () => {
    fastPng.sizes.length = 0;
    const bomb = grey8x8(deflateSync(Buffer.alloc(2 ** 24)));
    refusal(() => decodePicture(bomb, 'bomb.png'), 'malformed-picture', 'bomb.png', 'more is packed into it');
    const byOne = grey8x8(deflateSync(Buffer.concat([rows, Buffer.of(0)])));
    refusal(() => decodePicture(byOne, 'one.png'), 'malformed-picture', 'more is packed into it');
    const lessByOne = grey8x8(deflateSync(rows.subarray(1)));
    refusal(() => decodePicture(lessByOne, 'one.png'), 'malformed-picture', 'cut off');
    expect(fastPng.sizes).toEqual([]);
  });

  it('ancillary chunks are dropped unread, whatever is packed into them', () => {
    fastPng.sizes.length = 0;
    const profile = Buffer.concat([Buffer.from('p\0\0'), deflateSync(Buffer.alloc(2 ** 24))]);
    const unread = ['iCCP', 'zTXt', 'iTXt', 'eXIf', 'acTL'].map((type) => chunk(type, profile));
    // Their CRC is nobody's business either.
    unread[1]!.fill(0, unread[1]!.length - 4);
    expect(decodePicture(grey8x8(deflateSync(rows), unread), 'a.png').samples).toHaveLength(64);
    expect(fastPng.sizes).toEqual([BOUND]);
  });

  it('false sizes are refused by what is there, not by making room for what is claimed', () => {
    fastPng.sizes.length = 0;
    const side = Math.sqrt(LARGEST_PIXEL_COUNT);
    const huge = grey8x8(deflateSync(rows), [], [side, side]);
    refusal(() => decodePicture(huge, 'huge.png'), 'malformed-picture', 'cut off');
    expect(fastPng.sizes).toEqual([]);
  });

  it('2^26 pixels are allowed, one row more is not', () => {
    // Rows of 1 bit keep the real picture small: 8 MiB of scanlines.
    const side = 8192;
    const parts = { width: side, depth: 1, colourType: 0, rows: [0] };
    refusal(() => boundedPng(png({ ...parts, height: side }), 'a.png'), 'malformed-picture', 'cut off');
    refusal(
      () => boundedPng(png({ ...parts, height: side + 1 }), 'a.png'),
      'unsupported',
      'at most 2^26 pixels',
    );
  });

  it('a byte of pixels more than 2^27 is refused by the header alone, whatever the colours', () => {
    const parts = { height: 8192, rows: [0] };
    const most = [
      [8192, 16, 0],
      [8192, 8, 4],
      [4096, 8, 6],
      [2048, 16, 6],
    ] as const;
    for (const [width, depth, colourType] of most) {
      const read = (more: number): unknown =>
        boundedPng(png({ ...parts, width: width + more, depth, colourType }), 'a.png');
      refusal(() => read(0), 'malformed-picture', 'cut off');
      if (width < 8192) refusal(() => read(1), 'unsupported', 'at most 2^27 bytes of pixels');
    }
    const deep = png({ ...parts, width: 8192, depth: 16, colourType: 6 });
    refusal(() => boundedPng(deep, 'a.png'), 'unsupported', '8192 x 8192 pixels of 64 bits');
  });

  it('a picture in 2^16 needed chunks is read, in more it is not', () => {
    const empty = chunk('IDAT', new Uint8Array(0));
    const cut = (count: number): Uint8Array =>
      boundedPng(grey8x8(deflateSync(rows), new Array<Buffer>(count).fill(empty)), 'a.png');
    // The header, the data and the end are chunks too.
    expect(cut(2 ** 16 - 3).length).toBe(BOUND);
    refusal(() => cut(2 ** 16 - 2), 'malformed-picture', 'more than 65536 chunks');
  });

  it('the data of a bomb behind the end of the stream, or in a second stream, are not read', () => {
    const packed = deflateSync(rows);
    const behind = Buffer.concat([packed, deflateSync(Buffer.alloc(2 ** 20))]);
    const handed = boundedPng(grey8x8(behind), 'a.png');
    expect(handed.length).toBe(BOUND);
    expect(inflateSync(handed.subarray(8 + 25 + 8, -12 - 4))).toEqual(rows);
  });

  it.each([
    ['two headers', [chunk('IHDR', Buffer.alloc(13, 1))], 'two headers'],
    ['a palette of 257 colours', [chunk('PLTE', Buffer.alloc(771))], 'more than 256 colours'],
    ['a wrong CRC', [chunk('PLTE', Buffer.alloc(3)).fill(1, 14)], 'the CRC of its PLTE chunk is wrong'],
  ] as const)('%s', (_, others, part) => {
    refusal(() => decodePicture(grey8x8(deflateSync(rows), others), 'a.png'), 'malformed-picture', part);
  });

  it('a critical chunk that nobody knows is refused', () => {
    const bytes = grey8x8(deflateSync(rows), [chunk('ABCD', Buffer.alloc(1))]);
    refusal(() => decodePicture(bytes, 'a.png'), 'unsupported', 'ABCD');
  });
});
