import { reject } from '../base/reject.ts';
import type { Parameters } from '../bfv/parameters.ts';
import { polynomialBytes, SEAL_SEED_BYTES } from '../bfv/wireBytes.ts';

/**
 * The largest client views that are followed: a picture of 2048 x 2048 pixels, seconds of work. A plan past them compiles,
 * and runs in one process.
 */
export const CLIENT_LIMITS = Object.freeze({
  /** Of the input tensor, and of the output tensor. */
  elements: 2 ** 22,
  /** Of all input ciphertexts together, and of all results. */
  coefficients: 2 ** 24,
  /** N times the square of the number of primes, the special one included: setting SEAL up grows like that. */
  setup: 2 ** 21,
  /** Bytes of one upload or response, at most: as if every coefficient of both polynomials travelled whole. */
  messageBytes: 2 ** 28,
  /** Taps of all products of one block group. */
  taps: 2 ** 22,
  /** Steps of working out which coefficients are read. */
  reads: 2 ** 30,
  /** Of the hint, which a client downloads once and keeps. */
  hintBytes: 2 ** 28,
  /** Of the evaluation keys together. */
  keyBytes: 2 ** 28,
});

export function atMost(where: string, found: number, limit: number, unit: string): void {
  if (found <= limit) return;
  reject(where, 'too large for a client', `at most ${limit} ${unit}`, String(found));
}

export function checkCiphertexts(which: 'input' | 'result', count: number, parameters: Parameters): void {
  const { degree, dataPrimes } = parameters;
  atMost('packing', count * degree, CLIENT_LIMITS.coefficients, `${which} coefficients`);
  const bytes = count * (2 * polynomialBytes(dataPrimes, degree, 0) + SEAL_SEED_BYTES);
  atMost('packing', bytes, CLIENT_LIMITS.messageBytes, `${which} bytes`);
}

/** Numbers of ciphertexts: ascending, each once, all below `count`. */
export function checkIndices(where: string, indices: readonly number[], count: number): void {
  const wrong = indices.findIndex(
    (index, at) =>
      !Number.isInteger(index) || index >= count || index < (at === 0 ? 0 : indices[at - 1]! + 1),
  );
  if (wrong < 0) return;
  reject(`${where}[${wrong}]`, 'not ascending numbers in range', `below ${count}`, String(indices[wrong]));
}
