import { CipherconvError } from '../../../compiler/base/errors.ts';
import { readBytes } from '../files.ts';
import { decodeTensorFile } from './proto/tensorProto.ts';
import type { ImportOptions, InputQuantization, OnnxTensor } from './types.ts';

/** What command lines say of models. */

/** The flags, in the order in which they were given. */
export interface ModelFlags {
  /** `name=file.pb`: graph inputs that become constants. */
  readonly bind: readonly string[];
  /** `name=uint8,scale=1/255`: float inputs that stand for integers. */
  readonly inputType: readonly string[];
  /** `name=640`: sizes of symbolic extents. */
  readonly extent: readonly string[];
  /** Whether average pools are layers. */
  readonly encryptPools?: boolean;
  /** Whether it was said how a model is encrypted. */
  readonly mode?: boolean;
  /** How TFLite models round; undefined where nothing is said. */
  readonly tfliteRounding?: 'double' | 'single' | undefined;
}

/**
 * Reads `--bind name=file.pb`, `--input-type name=type[,scale=S][,zero-point=Z]` `--extent name=N` and `--encrypt-pools`.
 * @throws CipherconvError `usage`, or what reading a tensor file throws
 */
export async function parseModelOptions({
  bind,
  inputType,
  extent,
  encryptPools = false,
}: ModelFlags): Promise<
  Required<Pick<ImportOptions, 'bind' | 'inputQuantization' | 'extents' | 'averagePools'>>
> {
  const tensors = new Map<string, OnnxTensor>();
  for (const text of bind) {
    const [name, file] = parted('--bind', text, 'name=file.pb', tensors);
    tensors.set(name, decodeTensorFile(await readBytes(file), file));
  }
  const quantizations = new Map<string, InputQuantization>();
  for (const text of inputType) {
    const [name, type] = parted('--input-type', text, EXPECTED, quantizations);
    quantizations.set(name, parseInputType(type, text));
  }
  const averagePools = encryptPools ? 'encrypted' : 'clear';
  return { bind: tensors, inputQuantization: quantizations, extents: parseExtents(extent), averagePools };
}

/** At the last "=": a number follows it. */
function parseExtents(extent: readonly string[]): ReadonlyMap<string, number> {
  const extents = new Map<string, number>();
  const expected = 'name=N, a whole number of at least 1';
  for (const text of extent) {
    const [, name, size] = /^(.+)=([1-9]\d{0,8})$/s.exec(text) ?? [];
    if (name === undefined) throw usage('--extent', `not ${expected}`, expected, text);
    if (extents.has(name)) throw usage('--extent', 'the same name twice', 'every name once', text);
    extents.set(name, Number(size));
  }
  return extents;
}

/** At the first "=" that leaves both sides something, since names of tensors may hold anything else. */
function parted(
  option: string,
  text: string,
  expected: string,
  known: ReadonlyMap<string, unknown>,
): readonly [name: string, value: string] {
  const at = text.indexOf('=');
  const [name, value] = [text.slice(0, at), text.slice(at + 1)];
  if (at <= 0 || value === '') throw usage(option, `not ${expected}`, expected, text);
  if (known.has(name)) throw usage(option, 'the same name twice', 'every name once', text);
  return [name, value];
}

const EXPECTED = 'name=uint8, with ,scale=1/255 and ,zero-point=0 as needed (uint1 to uint16, int1 to int16)';

/** `uint8`, `int4,scale=0.5`, `uint8,scale=1/255,zero-point=3`; without a scale the floats are whole. */
export function parseInputType(type: string, text = type): InputQuantization {
  const match =
    /^(u?)int(\d{1,2})(?:,scale=([\d.eE+-]+)(?:\/([\d.eE+-]+))?)?(?:,zero-point=(-?\d{1,5}))?$/.exec(type);
  const bits = Number(match?.[2]);
  const scale = Number(match?.[3] ?? 1) / Number(match?.[4] ?? 1);
  if (match === null || bits < 1 || bits > 16 || !Number.isFinite(scale) || !(scale > 0))
    throw usage('--input-type', 'not a type for inputs', EXPECTED, text);
  return { bits, signed: match[1] === '', scale, zeroPoint: Number(match[5] ?? 0) };
}

function usage(where: string, message: string, expected: string, found: string): CipherconvError {
  return new CipherconvError({ code: 'usage', where, message, expected, found });
}
