import { CipherconvError } from '../../compiler/base/errors.ts';

/** What callers without types may give. */

/** @throws CipherconvError `usage` for what is no tensor at all. */
export function requireTensor(value: unknown): void {
  const isTensor =
    typeof value === 'object' &&
    value !== null &&
    'shape' in value &&
    Array.isArray(value.shape) &&
    'data' in value &&
    (ArrayBuffer.isView(value.data) || Array.isArray(value.data));
  if (!isTensor) throw notThat('input', 'not a tensor', '{ shape, data }', value);
}

/** @throws CipherconvError `usage` for what are no bytes. */
export function requireBytes(where: string, value: unknown): void {
  // Not `instanceof`: those of another realm are as good.
  if (Object.prototype.toString.call(value) !== '[object Uint8Array]')
    throw notThat(where, 'not bytes', 'a Uint8Array', value);
}

/** @throws CipherconvError `usage` for what holds no tensors by name. */
export function requireNamedTensors(value: unknown): void {
  if (!(value instanceof Map)) throw notThat('inputs', 'not tensors by name', 'a Map', value);
}

/** @throws CipherconvError `usage` for what are no options. */
export function requireOptions(value: unknown): void {
  if (typeof value !== 'object' || value === null)
    throw notThat('options', 'not options', 'an object, or nothing', value);
}

function notThat(where: string, message: string, expected: string, value: unknown): CipherconvError {
  const found = value === null ? 'null' : Array.isArray(value) ? 'an array' : typeof value;
  return new CipherconvError({ code: 'usage', where, message, expected, found });
}
