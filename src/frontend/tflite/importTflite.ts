import { longWork } from '../../../runtime/longWork.ts';
import { displayName, readBytes } from '../files.ts';
import type { ImportedModel } from '../imported/model.ts';
import { importTfliteModel } from './importTfliteModel.ts';
import type { TfliteOptions } from './types.ts';

/**
 * Imports a quantized TFLite model: its graph, checked, and every linear operator as a convolution. Loads no SEAL.
 * @param source the bytes of a model, or its path (`-` for stdin)
 * @throws CipherconvError `unreadable`; `malformed-model` for what is no model or contradicts itself; `unsupported` for
 * operators, types and sizes that are not known, by name
 */
export async function importTflite(
  source: Uint8Array | string,
  options: TfliteOptions = {},
): Promise<ImportedModel> {
  if (typeof source !== 'string') return importTfliteModel(source, options);
  const bytes = await readBytes(source);
  return longWork(() => importTfliteModel(bytes, { file: displayName(source), ...options }));
}
