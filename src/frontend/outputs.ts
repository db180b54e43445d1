import { extname } from 'node:path';
import { encode } from 'fast-png';
import { CipherconvError } from '../../compiler/base/errors.ts';
import type { Tensor } from '../../compiler/base/tensor.ts';
import { requireWritable, STANDARD_STREAM, writeWhole } from './files.ts';
import { fourExtents, inLayout } from './layouts.ts';
import type { Shape4 } from './layouts.ts';
import { encodeNpy } from './npy.ts';
import { encodeTensorFile } from './onnx/proto/tensorProto.ts';
import type { OnnxTensor } from './onnx/types.ts';
import type { TensorLayout } from './schema.ts';
import { tensorJsonLine } from './tensorJson.ts';

type OutputKind = '.npy' | '.json' | '.pb' | '.png';

function outputKind(path: string): OutputKind {
  const kind = path === STANDARD_STREAM ? '.json' : extname(path).toLowerCase();
  if (kind === '.npy' || kind === '.json' || kind === '.pb' || kind === '.png') return kind;
  throw new CipherconvError({
    code: 'unsupported',
    where: path,
    message: `not supported yet: ${kind === '' ? 'outputs without a file extension' : `${kind} outputs`}`,
    expected: '.npy, .json, .pb or .png, or - for JSON on stdout',
  });
}

/**
 * Checks before the work that an output can be written after it.
 * @throws CipherconvError `unsupported` or `unwritable`.
 */
export async function requireOutput(path: string): Promise<void> {
  outputKind(path);
  await requireWritable(path);
}

/**
 * Writes an output tensor (NCHW) whole or not at all: .npy, .json and .pb (an ONNX TensorProto) in `layout`, .png scaled to 0..255.
 * @param notice told in a sentence what a picture shows
 * @throws CipherconvError `unsupported` or `unwritable`.
 */
export async function writeOutput(
  path: string,
  tensor: Tensor,
  layout: TensorLayout,
  notice: (sentence: string) => void,
): Promise<void> {
  switch (outputKind(path)) {
    case '.npy':
      await writeWhole(path, encodeNpy(inLayout(tensor, layout)));
      return;
    case '.json':
      await writeWhole(path, tensorJsonLine(inLayout(tensor, layout)));
      return;
    case '.pb':
      await writeWhole(path, encodeTensorFile(onnxTensor(inLayout(tensor, layout)), 'output'));
      return;
    case '.png':
      await writeWhole(
        path,
        encodePicture(tensor, (sentence) => {
          notice(`${path}: ${sentence}`);
        }),
      );
  }
}

/** int32 where all values fit, int64 otherwise. */
function onnxTensor({ shape, data }: Tensor): OnnxTensor {
  const fits = data.every((value) => value === (value | 0));
  return fits ? { type: 'int32', shape, data: Int32Array.from(data) } : { type: 'int64', shape, data };
}

/** A JSON tensor, data flat, one line. `writeOutput` writes larger ones than a string holds. */
export function encodeTensorJson(tensor: Tensor): string {
  return [...tensorJsonLine(tensor)].join('');
}

/** Where each plane (image, channel) of the output goes in the picture. */
interface Sheet {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  /** Sample index of element (row, column) of plane `plane`. */
  readonly place: (plane: number, row: number, column: number) => number;
  readonly says: string;
}

/** Pixels between two planes of a contact sheet. */
const GAP = 1;

function layOut([batch, channels, height, width]: Shape4): Sheet {
  if (batch === 1 && (channels === 1 || channels === 3)) {
    const place = (plane: number, row: number, column: number): number =>
      (row * width + column) * channels + plane;
    return { width, height, channels, place, says: channels === 1 ? 'grey' : 'channels as red, green, blue' };
  }
  const planes = batch * channels;
  const perRow = Math.ceil(Math.sqrt(planes));
  const sheetWidth = perRow * (width + GAP) - GAP;
  const sheetHeight = Math.ceil(planes / perRow) * (height + GAP) - GAP;
  return {
    width: sheetWidth,
    height: sheetHeight,
    channels: 1,
    place: (plane, row, column) => {
      const top = Math.floor(plane / perRow) * (height + GAP);
      return (top + row) * sheetWidth + (plane % perRow) * (width + GAP) + column;
    },
    says: `a sheet of ${planes} channels, ${perRow} in a row`,
  };
}

/**
 * PNG of an output tensor (NCHW), smallest to largest value scaled to 0..255: grey for one channel, RGB for three, and
 * for other numbers a sheet with the channels side by side.
 */
export function encodePicture(tensor: Tensor, notice: (sentence: string) => void): Uint8Array {
  const shape = fourExtents(tensor);
  const [batch, channels, height, width] = shape;
  const sheet = layOut(shape);
  const lo = tensor.data.reduce((smallest, value) => Math.min(smallest, value), Infinity);
  const hi = tensor.data.reduce((largest, value) => Math.max(largest, value), -Infinity);
  const scale = hi > lo ? 255 / (hi - lo) : 0;
  const data = new Uint8Array(sheet.width * sheet.height * sheet.channels);
  let next = 0;
  for (let plane = 0; plane < batch * channels; plane++) {
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        data[sheet.place(plane, row, column)] = Math.round((tensor.data[next++]! - lo) * scale);
      }
    }
  }
  notice(`${sheet.says}, [${lo}, ${hi}] scaled to 0..255`);
  return encode({ width: sheet.width, height: sheet.height, channels: sheet.channels, depth: 8, data });
}
