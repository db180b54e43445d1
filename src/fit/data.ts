import { gunzipSync } from 'node:zlib';
import { CipherconvError } from '../../compiler/base/errors.ts';
import { displayName, readBytes } from '../frontend/files.ts';
import { decodeNpy } from '../frontend/npy.ts';
import type { Architecture } from './architectureSchema.ts';
import type { Examples } from './examples.ts';
import { decodeIdx, looksLikeIdx } from './idx.ts';

/** Pictures and labels from files: .npy or idx, either of them gzipped or not. */

/** What a gzipped file may unfold to. */
const MOST_BYTES = 2 ** 30;

/** The two files of one set of pictures. */
export interface ExampleFiles {
  readonly data: string;
  readonly labels: string;
}

/**
 * Reads pictures with their classes and checks them against the architecture.
 * @throws CipherconvError `unreadable`, `malformed-tensor`, `shape-mismatch` or `out-of-range`.
 */
export async function loadExamples(
  files: ExampleFiles,
  input: Architecture['input'],
  classes: number,
): Promise<Examples> {
  const pictures = await loadNumbers(files.data);
  const labels = await loadNumbers(files.labels);
  requirePictures(pictures, input, displayName(files.data));
  const count = pictures.shape[0] ?? 0;
  if (labels.shape.length !== 1 || labels.shape[0] !== count) {
    throw new CipherconvError({
      code: 'shape-mismatch',
      where: displayName(files.labels),
      message: 'not one label for each picture',
      expected: `[${count}], as ${displayName(files.data)} has ${count} pictures`,
      found: `[${labels.shape.join(', ')}]`,
    });
  }
  return {
    pixels: wholeBytes(pictures.data, input.largest, {
      file: displayName(files.data),
      what: 'pixels',
      hint: `input.largest of the architecture says what the largest pixel is (at most 255)`,
    }),
    labels: wholeBytes(labels.data, classes - 1, {
      file: displayName(files.labels),
      what: 'labels',
      hint: `the last layer of the architecture has ${classes} outputs: one for each class, numbered from 0`,
    }),
  };
}

interface Numbers {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}

async function loadNumbers(path: string): Promise<Numbers> {
  const file = displayName(path);
  const bytes = unzipped(await readBytes(path), file);
  return looksLikeIdx(bytes) ? decodeIdx(bytes, file) : decodeNpy(bytes, file);
}

function unzipped(bytes: Uint8Array, file: string): Uint8Array {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    return gunzipSync(bytes, { maxOutputLength: MOST_BYTES });
  } catch (error) {
    throw new CipherconvError(
      {
        code: 'malformed-tensor',
        where: file,
        message: 'cannot be unzipped',
        expected: `a whole gzip file of at most ${MOST_BYTES} bytes`,
        found: error instanceof Error ? error.message : String(error),
      },
      { cause: error },
    );
  }
}

function requirePictures({ shape }: Numbers, input: Architecture['input'], file: string): void {
  const [channels, height, width] = input.shape;
  const [, ...picture] = shape;
  const wanted = [channels, height, width].join();
  const isFlat = channels === 1 && picture.join() === [height, width].join();
  if ((picture.join() === wanted || isFlat) && (shape[0] ?? 0) > 0) return;
  throw new CipherconvError({
    code: 'shape-mismatch',
    where: file,
    message: "not pictures of the architecture's shape",
    expected: `${channels === 1 ? `[n, ${height}, ${width}] or ` : ''}[n, ${channels}, ${height}, ${width}], n at least 1`,
    found: `[${shape.join(', ')}]`,
    hint: 'input.shape of the architecture is [channels, height, width]',
  });
}

function wholeBytes(
  values: ArrayLike<number>,
  most: number,
  { file, what, hint }: { readonly file: string; readonly what: string; readonly hint: string },
): Uint8Array {
  const bytes = Uint8Array.from(values);
  for (let index = 0; index < bytes.length; index++) {
    const value = values[index]!;
    if (value === bytes[index] && value <= most) continue;
    throw new CipherconvError({
      code: 'out-of-range',
      where: file,
      message: `element ${index} is out of range`,
      expected: `${what} from 0 to ${most}`,
      found: String(value),
      hint,
    });
  }
  return bytes;
}
