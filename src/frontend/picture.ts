import { decode, hasPngSignature } from 'fast-png';
import type { DecodedPng } from 'fast-png';
import { CipherconvError } from '../../compiler/base/errors.ts';
import type { Picture } from './pictureTensor.ts';

/** Pixels beyond which a picture is refused before it is unpacked: 16384 x 16384. */
const LARGEST_PIXEL_COUNT = 2 ** 28;

function refuse(
  code: 'malformed-picture' | 'unsupported',
  file: string,
  message: string,
  more: object = {},
): never {
  throw new CipherconvError({ code, where: file, message, ...more });
}

/**
 * Decodes a PNG: grey or RGB, 1 to 16 bits, palettes expanded, alpha dropped when nothing shines through.
 * @throws CipherconvError `malformed-picture`, or `unsupported` for transparent pictures and kinds we do not read.
 */
export function decodePicture(bytes: Uint8Array, file: string): Picture {
  if (!hasPngSignature(bytes)) return refuse('malformed-picture', file, 'not a PNG picture');
  checkSize(bytes, file);
  let png: DecodedPng;
  try {
    png = decode(bytes, { checkCrc: true });
  } catch (error) {
    const reason =
      error instanceof RangeError ? 'it is cut off' : error instanceof Error ? error.message : 'damaged';
    throw new CipherconvError(
      {
        code: 'malformed-picture',
        where: file,
        message: `the PNG cannot be read: ${reason.replace(/:$/, '')}`,
      },
      { cause: error },
    );
  }
  return png.palette === undefined ? plainPicture(png, file) : palettePicture(png, png.palette, file);
}

/** Reads the header (width, height, depth, interlacing) at its fixed place before anything is unpacked. */
function checkSize(bytes: Uint8Array, file: string): void {
  if (bytes.length < 33) return refuse('malformed-picture', file, 'the PNG cannot be read: it is cut off');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [width, height, depth, interlacing] = [
    view.getUint32(16),
    view.getUint32(20),
    bytes[24] ?? 0,
    bytes[28],
  ];
  if (width * height === 0) return refuse('malformed-picture', file, 'the picture is empty');
  if (width * height > LARGEST_PIXEL_COUNT) {
    const found = `${width} x ${height}`;
    return refuse('unsupported', file, 'the picture is too large', {
      expected: `at most 2^28 pixels`,
      found,
    });
  }
  if (interlacing !== 0 && depth < 8) {
    return refuse('unsupported', file, 'not supported yet: interlaced pictures of less than 8 bits', {
      hint: 'save the picture without interlacing',
    });
  }
}

function plainPicture(png: DecodedPng, file: string): Picture {
  const { width, height, depth } = png;
  const samples = unpack(png);
  const colours = png.channels >= 3 ? 3 : 1;
  const hasAlpha = png.channels === 2 || png.channels === 4;
  const picture = { file, width, height, depth, channels: colours, greyPalette: false } as const;
  if (!hasAlpha) {
    if (png.transparency !== undefined && hasColour(samples, png.transparency)) refuseTransparent(file);
    return { ...picture, samples };
  }
  const opaque = 2 ** depth - 1;
  const kept =
    depth === 16 ? new Uint16Array(width * height * colours) : new Uint8Array(width * height * colours);
  for (let pixel = 0; pixel < width * height; pixel++) {
    if (samples[pixel * png.channels + colours] !== opaque) refuseTransparent(file);
    for (let c = 0; c < colours; c++) kept[pixel * colours + c] = samples[pixel * png.channels + c]!;
  }
  return { ...picture, samples: kept };
}

function palettePicture(png: DecodedPng, palette: readonly (readonly number[])[], file: string): Picture {
  const { width, height } = png;
  const indices = unpack(png);
  const samples = new Uint8Array(width * height * 3);
  let greyPalette = true;
  indices.forEach((index, pixel) => {
    const [red, green, blue, alpha] = palette[index] ?? [];
    if (red === undefined || green === undefined || blue === undefined) {
      return refuse(
        'malformed-picture',
        file,
        `pixel ${pixel} has colour ${index} of a palette of ${palette.length}`,
      );
    }
    if (alpha !== undefined && alpha !== 255) refuseTransparent(file);
    if (red !== green || green !== blue) greyPalette = false;
    samples.set([red, green, blue], pixel * 3);
  });
  return { file, width, height, depth: 8, channels: 3, greyPalette, samples };
}

function refuseTransparent(file: string): never {
  return refuse('unsupported', file, 'the picture is transparent in places', {
    expected: 'an opaque picture',
    hint: 'flatten it onto a background first',
  });
}

/** Whether a pixel has exactly the colour that the file declares transparent. */
function hasColour(samples: Uint8Array | Uint16Array, colour: Uint16Array): boolean {
  for (let start = 0; start < samples.length; start += colour.length) {
    if (colour.every((value, c) => samples[start + c] === value)) return true;
  }
  return false;
}

/** Samples one by one: below 8 bits they are packed, high bits first, each row starting a byte. */
function unpack(png: DecodedPng): Uint8Array | Uint16Array {
  const { width, height, depth, data } = png;
  if (data instanceof Uint16Array) return data;
  if (depth >= 8) return new Uint8Array(data.buffer, data.byteOffset, data.length);
  const rowBytes = Math.ceil((width * depth) / 8);
  const samples = new Uint8Array(width * height);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const bit = column * depth;
      const byte = data[row * rowBytes + (bit >> 3)]!;
      samples[row * width + column] = (byte >> (8 - depth - (bit & 7))) & (2 ** depth - 1);
    }
  }
  return samples;
}
