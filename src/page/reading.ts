import type { Source } from './picture.ts';

/** Reads picture files, and says in words for people why one cannot be read. */

/** What a browser may be asked to unpack: more would take gigabytes of memory. */
const LARGEST_PIXELS = 2 ** 27;
const LARGEST_BYTES = 2 ** 26;

/**
 * Colour profiles are left aside, so that the samples of a file are taken as they are.
 * @throws Error in words for people
 */
export async function sourceOf(file: File): Promise<Source> {
  if (file.size > LARGEST_BYTES)
    throw new Error(
      `${file.name}: ${megabytes(file.size)} MB are too large; choose a file of at most ${megabytes(LARGEST_BYTES)} MB.`,
    );
  const claimed = pngSize(new Uint8Array(await file.slice(0, 24).arrayBuffer()));
  if (claimed !== null) requirePixels(file.name, claimed.width, claimed.height);
  let image: ImageBitmap;
  try {
    image = await createImageBitmap(file, { colorSpaceConversion: 'none' });
  } catch {
    throw new Error(`${file.name}: this browser does not read it as a picture; choose a PNG or JPEG`);
  }
  requirePixels(file.name, image.width, image.height);
  return { name: file.name, image, width: image.width, height: image.height };
}

function requirePixels(name: string, width: number, height: number): void {
  if (width * height <= LARGEST_PIXELS) return;
  throw new Error(
    `${name}: ${width} x ${height} pixels are too many; scale it down to at most ${Math.floor(LARGEST_PIXELS / 1e6)} million pixels first.`,
  );
}

const megabytes = (bytes: number): number => Math.round(bytes / 2 ** 20);

/** What the header of a PNG says; null for other files. A small file may claim any size. */
export function pngSize(bytes: Uint8Array): { readonly width: number; readonly height: number } | null {
  const isPng = [0x89, 0x50, 0x4e, 0x47].every((byte, at) => bytes[at] === byte);
  if (!isPng || bytes.length < 24) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return { width: view.getUint32(16), height: view.getUint32(20) };
}
