import { decode } from 'fast-png';
import { describe, expect, it } from 'vitest';
import { makeTensor } from '../../compiler/base/tensor.ts';
import { drawPicture } from '../../examples/draw-picture.ts';
import { encodePicture } from '../../src/frontend/outputs.ts';
import { decodePicture } from '../../src/frontend/picture.ts';
import { pictureTensor } from '../../src/frontend/pictureTensor.ts';
import { config, parse, png, refusal } from './fixtures.ts';

const silent = (): void => undefined;

function specFor(shape: [number, number, number, number], input: { bits: number; signed?: boolean }) {
  const weights = {
    shape: [1, shape[1], 1, 1] as [number, number, number, number],
    bits: 1,
    values: shape[1] === 3 ? [1, 1, 1] : [1],
  };
  return parse(config({ input: { shape, ...input }, weights })).spec;
}

const GREY = { width: 2, height: 1, depth: 8, colourType: 0, rows: [0, 0x40, 0xff] };

describe('a picture as input', () => {
  it('is quantized by dropping low bits, and says so', () => {
    const said: string[] = [];
    const tensor = pictureTensor(
      decodePicture(png(GREY), 'a.png'),
      specFor([1, 1, 1, 2], { bits: 2 }),
      (text) => {
        said.push(text);
      },
    );
    expect(tensor).toEqual(makeTensor([1, 1, 1, 2], [1, 3]));
    expect(said).toEqual(['a.png: quantized from 8 to 2 bits by dropping the 6 low bits']);
  });

  it('is shifted for signed inputs', () => {
    const picture = decodePicture(png(GREY), 'a.png');
    expect(pictureTensor(picture, specFor([1, 1, 1, 2], { bits: 4, signed: true }), silent).data).toEqual(
      Float64Array.from([4 - 8, 15 - 8]),
    );
  });

  it('keeps its values where the config has more bits', () => {
    const picture = decodePicture(png(GREY), 'a.png');
    expect(pictureTensor(picture, specFor([1, 1, 1, 2], { bits: 12 }), silent).data).toEqual(
      Float64Array.from([0x40, 0xff]),
    );
  });

  it.each([
    ['16 bits', { ...GREY, depth: 16, rows: [0, 0x40, 1, 0xff, 2] }, [0x4001, 0xff02], 16],
    ['2 bits', { ...GREY, width: 5, depth: 2, rows: [0, 0b00011011, 0b10000000] }, [0, 1, 2, 3, 2], 2],
    ['opaque alpha', { ...GREY, colourType: 4, rows: [0, 0x40, 255, 0xff, 255] }, [0x40, 0xff], 8],
    ['a grey palette', { ...GREY, colourType: 3, rows: [0, 1, 0], palette: [9, 9, 9, 7, 7, 7] }, [7, 9], 8],
    ['an unused transparent colour', { ...GREY, transparency: [0, 1] }, [0x40, 0xff], 8],
  ])('is read from grey with %s', (_, parts, values, bits) => {
    const picture = decodePicture(png(parts), 'a.png');
    const tensor = pictureTensor(picture, specFor([1, 1, 1, parts.width], { bits }), silent);
    expect(Array.from(tensor.data)).toEqual(values);
  });

  it.each([
    ['RGB', { ...GREY, colourType: 2, rows: [0, 1, 2, 3, 4, 5, 6] }],
    ['RGB and opaque alpha', { ...GREY, colourType: 6, rows: [0, 1, 2, 3, 255, 4, 5, 6, 255] }],
    ['a palette', { ...GREY, depth: 1, colourType: 3, rows: [0, 0b01000000], palette: [1, 2, 3, 4, 5, 6] }],
  ])('becomes three planes from %s', (_, parts) => {
    const tensor = pictureTensor(
      decodePicture(png(parts), 'a.png'),
      specFor([1, 3, 1, 2], { bits: 8 }),
      silent,
    );
    expect(Array.from(tensor.data)).toEqual([1, 4, 2, 5, 3, 6]);
  });

  it('is read interlaced', () => {
    // Adam7 of 2 x 1: the first pixel comes in pass 1, the second in pass 6.
    const picture = decodePicture(png({ ...GREY, rows: [0, 0x40, 0, 0xff], interlaced: true }), 'a.png');
    expect(Array.from(picture.samples)).toEqual([0x40, 0xff]);
  });

  it.each([
    ['alpha that shows', { ...GREY, colourType: 4, rows: [0, 0x40, 254, 0xff, 255] }],
    ['a transparent colour in use', { ...GREY, transparency: [0, 0xff] }],
    [
      'a transparent palette',
      { ...GREY, colourType: 3, rows: [0, 0, 0], palette: [9, 9, 9], transparency: [3] },
    ],
  ])('is refused with %s', (_, parts) => {
    refusal(() => decodePicture(png(parts), 'a.png'), 'unsupported', 'a.png', 'transparent', 'flatten');
  });

  it('is refused in the wrong number of channels or size', () => {
    const grey = decodePicture(png(GREY), 'a.png');
    const rgb = decodePicture(png({ ...GREY, colourType: 2, rows: [0, 1, 2, 3, 4, 5, 6] }), 'b.png');
    const tensor = (picture: typeof grey, shape: [number, number, number, number]) => () =>
      pictureTensor(picture, specFor(shape, { bits: 2 }), silent);
    refusal(tensor(rgb, [1, 1, 1, 2]), 'shape-mismatch', 'b.png', 'colour', '--grey makes it grey');
    refusal(tensor(grey, [1, 3, 1, 2]), 'shape-mismatch', 'a.png', 'grey picture', 'RGB');
    refusal(tensor(grey, [1, 1, 2, 2]), 'shape-mismatch', '2 x 2', '2 x 1');
    refusal(tensor(grey, [2, 1, 1, 2]), 'shape-mismatch', 'batch of 2');
  });

  it.each([
    ['no PNG at all', Buffer.from('hello, this is no picture at all, not even close'), 'not a PNG'],
    ['a PNG cut off', png(GREY).subarray(0, 50), 'cut off'],
    ['a header alone', png(GREY).subarray(0, 20), 'cut off'],
    ['a damaged byte', png(GREY).fill(0x55, 45, 46), 'cannot be read'],
    ['a row missing', png({ ...GREY, height: 2 }), 'cannot be read'],
    ['no pixels', png({ ...GREY, width: 0 }), 'empty'],
  ])('is refused: %s', (_, bytes, part) => {
    refusal(() => decodePicture(bytes, 'a.png'), 'malformed-picture', 'a.png', part);
  });

  it('is refused before memory is taken when it claims to be huge', () => {
    refusal(
      () => decodePicture(png({ ...GREY, width: 2 ** 31, height: 2 ** 31 }), 'a.png'),
      'unsupported',
      'too large',
    );
  });
});

describe('an output as picture', () => {
  it('is scaled to 0..255', () => {
    const said: string[] = [];
    const bytes = encodePicture(makeTensor([1, 1, 1, 3], [-10, 0, 10]), (text) => said.push(text));
    expect(decode(bytes)).toMatchObject({
      width: 3,
      height: 1,
      channels: 1,
      data: Uint8Array.from([0, 128, 255]),
    });
    expect(said).toEqual(['grey, [-10, 10] scaled to 0..255']);
  });

  it('is RGB for three channels', () => {
    const bytes = encodePicture(makeTensor([1, 3, 1, 2], [0, 1, 2, 3, 4, 5]), silent);
    expect(decode(bytes)).toMatchObject({ channels: 3, data: Uint8Array.from([0, 102, 204, 51, 153, 255]) });
  });

  it('is a sheet for other numbers of channels, and black when all values are equal', () => {
    const sheet = decode(encodePicture(makeTensor([1, 2, 1, 2], [0, 1, 2, 3]), silent));
    expect(sheet).toMatchObject({ width: 5, height: 1, data: Uint8Array.from([0, 85, 0, 170, 255]) });
    expect(decode(encodePicture(makeTensor([1, 1, 1, 2], [7, 7]), silent)).data).toEqual(
      Uint8Array.from([0, 0]),
    );
  });
});

it('the picture of the examples is drawn at any size, always the same', () => {
  for (const [width, height] of [
    [28, 28],
    [1, 1],
    [17, 64],
  ] as const) {
    expect(decode(drawPicture(width, height, 'rgb'))).toMatchObject({ width, height, channels: 3 });
    expect(drawPicture(width, height, 'grey')).toEqual(drawPicture(width, height, 'grey'));
  }
});
