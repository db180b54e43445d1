import { decode, hasPngSignature } from 'fast-png';
import type { DecodedPng } from 'fast-png';
import { CipherconvError } from '../../compiler/base/errors.ts';
import { boundedPng } from './png.ts';
import type { Picture } from './pictureTensor.ts';

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
  const bounded = boundedPng(bytes, file);
  let png: DecodedPng;
  try {
    png = decode(bounded, { checkCrc: true });
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'damaged';
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
  for (let pixel = 0; pixel < indices.length; pixel++) {
    const index = indices[pixel]!;
    const colour = palette[index];
    if (colour === undefined) {
      const found = `pixel ${pixel} has colour ${index} of a palette of ${palette.length}`;
      return refuse('malformed-picture', file, found);
    }
    const [red = 0, green = 0, blue = 0, alpha = 255] = colour;
    if (alpha !== 255) refuseTransparent(file);
    if (red !== green || green !== blue) greyPalette = false;
    samples[3 * pixel] = red;
    samples[3 * pixel + 1] = green;
    samples[3 * pixel + 2] = blue;
  }
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
