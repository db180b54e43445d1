import { open, stat } from 'node:fs/promises';
import { extname } from 'node:path';
import { STANDARD_STREAM } from '../frontend/files.ts';
import { isTflite } from '../frontend/tflite/readTflite.ts';

/** Formats of models that are read. */
export type ModelFormat = 'onnx' | 'tflite';

const BY_NAME: ReadonlyMap<string, ModelFormat> = new Map([
  ['.onnx', 'onnx'],
  ['.tflite', 'tflite'],
]);

/** Which kind of model a file is: a TFLite model says so in its first bytes, others by their names. null for no model. */
export async function modelFormat(path: string): Promise<ModelFormat | null> {
  if (path === STANDARD_STREAM) return null;
  if (await beginsAsTflite(path)) return 'tflite';
  return BY_NAME.get(extname(path).toLowerCase()) ?? null;
}

/** Pipes are not looked into: what is read of them is gone. What cannot be opened is refused where it is read. */
async function beginsAsTflite(path: string): Promise<boolean> {
  try {
    if (!(await stat(path)).isFile()) return false;
    const file = await open(path);
    try {
      const { buffer, bytesRead } = await file.read(new Uint8Array(8), 0, 8, 0);
      return isTflite(buffer.subarray(0, bytesRead));
    } finally {
      await file.close();
    }
  } catch {
    return false;
  }
}
