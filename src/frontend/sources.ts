import { dirname, extname, isAbsolute, join } from 'node:path';
import { CipherconvError } from '../../compiler/base/errors.ts';
import type { Tensor } from '../../compiler/base/tensor.ts';
import { longWork } from '../../runtime/longWork.ts';
import { looksLikeClientPlan } from './clientPlan.ts';
import { parseFilterConfig } from './config.ts';
import type { ParsedConfig } from './config.ts';
import { displayName, noteInput, readText, STANDARD_STREAM, unreadable } from './files.ts';
import { refuseLfsPointer } from './lfsPointer.ts';
import { decodeNpy } from './npy.ts';
import { insideOf, readRegularSync } from './regularFiles.ts';
import { looksLikePlan, parsePlan } from './planFile.ts';
import type { StoredPlan } from './planFile.ts';
import { parseJson } from './positions.ts';

/** What a command was given: a filter config to compile, or a plan. */
export type ConvSource =
  | {
      /** A filter config, not yet compiled. */
      readonly kind: 'config';
      /** The config, checked. */
      readonly config: ParsedConfig;
    }
  | {
      /** A plan, proved right again. */
      readonly kind: 'plan';
      /** The plan with its digest. */
      readonly stored: StoredPlan;
    };

function refuseModel(path: string): void {
  const format = { '.onnx': 'an ONNX', '.tflite': 'a TFLite' }[extname(path).toLowerCase()];
  if (format === undefined) return;
  throw new CipherconvError({
    code: 'unsupported',
    where: path,
    message: `${format} model, which is no filter config`,
    expected: 'a filter config (*.conv.json)',
    hint: 'importOnnx and importTflite read models',
  });
}

function refuseClientPlan(file: string): never {
  throw new CipherconvError({
    code: 'usage',
    where: file,
    message: 'a client plan has no weights',
    expected: 'a filter config, or the server plan',
    hint: 'client plans are for keygen, encrypt and decrypt',
  });
}

/**
 * Reads the .npy files that the config at `path` names: regular files below its folder, links followed.
 * @throws CipherconvError (the loader) `malformed-config` for a path that leads out of the folder, `unreadable`, or
 * `malformed-tensor`.
 */
export function npyLoader(path: string): (npy: string) => Tensor {
  const folder = path === STANDARD_STREAM ? '.' : dirname(path);
  return (npy) => {
    const file = isAbsolute(npy) ? npy : join(folder, npy);
    const inside = reading(file, () => insideOf(folder, npy));
    if (inside.kind === 'outside')
      return refuseOutside(displayName(path), `${JSON.stringify(npy)}, ${inside.reason}`);
    noteInput(inside.path);
    const bytes = reading(file, () => readRegularSync(inside.path));
    refuseLfsPointer(bytes, file);
    return decodeNpy(bytes, file);
  };
}

function reading<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw unreadable(file, error);
  }
}

function refuseOutside(where: string, found: string): never {
  throw new CipherconvError({
    code: 'malformed-config',
    where: `${where}: weights.values.npy`,
    message: "the .npy file lies outside the config's folder",
    expected: "a file below the config's folder",
    found,
    hint: 'put the .npy file beside the config',
  });
}

/**
 * Reads a filter config; `-` is stdin.
 * @throws CipherconvError as `parseFilterConfig` does, or `unreadable`, or `unsupported` for ONNX models.
 */
export async function loadConfig(path: string): Promise<ParsedConfig> {
  refuseModel(path);
  const text = await readText(path);
  return longWork(() => parseFilterConfig(text, { file: displayName(path), loadNpy: npyLoader(path) }));
}

/**
 * A filter config or a plan, told apart by what the text says it is.
 * @param path where the text comes from
 * @throws CipherconvError as `parseFilterConfig` and `parsePlan` do.
 */
export function parseSource(text: string, path: string): ConvSource {
  const file = displayName(path);
  const value = parseJson(text, file);
  if (looksLikePlan(value)) return { kind: 'plan', stored: parsePlan(text, file) };
  if (looksLikeClientPlan(value)) refuseClientPlan(file);
  return { kind: 'config', config: parseFilterConfig(text, { file, loadNpy: npyLoader(path) }) };
}

/**
 * Reads a filter config or a plan; `-` is stdin.
 * @throws CipherconvError as `loadConfig` and `parsePlan` do.
 */
export async function loadSource(path: string): Promise<ConvSource> {
  refuseModel(path);
  const text = await readText(path);
  return longWork(() => parseSource(text, path));
}
