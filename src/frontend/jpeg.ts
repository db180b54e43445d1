import { CipherconvError } from '../../compiler/base/errors.ts';
import { readJpegHeader } from './jpegHeader.ts';
import type { Picture } from './pictureTensor.ts';

/** JPEG pictures by jpeg-js, an optional package that is loaded when there is one to read. */

const PACKAGE = 'jpeg-js';

/** What is used of the package; declared here so that this compiles where it is not installed. */
interface JpegDecoder {
  decode(bytes: Uint8Array, options: JpegOptions): { readonly data: Uint8Array };
}

interface JpegOptions {
  readonly useTArray: true;
  readonly formatAsRGBA: false;
  readonly tolerantDecoding: false;
  readonly maxResolutionInMP: number;
  readonly maxMemoryUsageInMB: number;
}

async function loadDecoder(file: string): Promise<JpegDecoder> {
  try {
    // A name that the compiler does not follow: the package is optional.
    const { default: decoder } = (await import(PACKAGE)) as { readonly default: JpegDecoder };
    return decoder;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND')) throw error;
    throw new CipherconvError(
      {
        code: 'unsupported',
        where: file,
        message: `JPEG pictures need the package ${PACKAGE}, which is not installed`,
        hint: `npm install ${PACKAGE}, or save the picture as PNG`,
      },
      { cause: error },
    );
  }
}

/**
 * Decodes a JPEG: grey or colour, baseline or progressive, 8 bits.
 * @throws CipherconvError `malformed-picture`, or `unsupported` for kinds and sizes that we do not read.
 */
export async function decodeJpeg(bytes: Uint8Array, file: string): Promise<Picture> {
  const { width, height, channels, stripped } = readJpegHeader(bytes, file);
  const decoder = await loadDecoder(file);
  let rgb: Uint8Array;
  try {
    const limits = { maxResolutionInMP: 2 ** 22 / 1e6, maxMemoryUsageInMB: 256 };
    rgb = decoder.decode(stripped, {
      useTArray: true,
      formatAsRGBA: false,
      tolerantDecoding: false,
      ...limits,
    }).data;
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'damaged';
    throw new CipherconvError(
      { code: 'malformed-picture', where: file, message: `the JPEG cannot be read: ${reason}` },
      { cause: error },
    );
  }
  // The decoder gives three equal samples for grey.
  const samples = channels === 3 ? rgb : everyThird(rgb);
  return { file, width, height, depth: 8, channels, greyPalette: false, samples };
}

function everyThird(rgb: Uint8Array): Uint8Array {
  const grey = new Uint8Array(rgb.length / 3);
  for (let pixel = 0; pixel < grey.length; pixel++) grey[pixel] = rgb[3 * pixel]!;
  return grey;
}
