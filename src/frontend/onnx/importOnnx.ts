import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { longWork } from '../../../runtime/longWork.ts';
import { displayName, readBytes, STANDARD_STREAM } from '../files.ts';
import type { ImportedModel } from '../imported/model.ts';
import { importModelWith, tooLarge } from './importModel.ts';
import { MAX_MODEL_BYTES } from './limits.ts';
import { externalReader } from './proto/externalData.ts';
import type { ImportOptions } from './types.ts';

export { declaredInputs } from './importModel.ts';

/**
 * Imports a quantized ONNX model: its graph, checked and folded, and every linear layer as a convolution. Loads neither
 * SEAL nor onnxruntime.
 * @param source the bytes of a model, or its path (`-` for stdin)
 * @throws CipherconvError `unreadable`; `malformed-model` for what is no model or contradicts itself; `unsupported` for
 * sizes past the limits, and models of floats only (the first float layer is named)
 */
export async function importOnnx(
  source: Uint8Array | string,
  options: ImportOptions = {},
): Promise<ImportedModel> {
  if (typeof source !== 'string') return importModel(source, options);
  const folder = source === STANDARD_STREAM ? {} : { folder: dirname(source) };
  const bytes = await readModel(source);
  return longWork(() => importModel(bytes, { file: displayName(source), ...folder, ...options }));
}

/** The bytes of a file, if they are not too many. */
export async function readModel(path: string): Promise<Uint8Array> {
  if (path !== STANDARD_STREAM) {
    const size = await stat(path).then(
      (found) => (found.isFile() ? found.size : 0),
      () => 0,
    );
    if (size > MAX_MODEL_BYTES) throw tooLarge(path, size);
  }
  return readBytes(path);
}

/** `importOnnx` of bytes. */
export function importModel(bytes: Uint8Array, options: ImportOptions = {}): ImportedModel {
  return importModelWith(bytes, options, externalReader(options.folder ?? null));
}
