import { allPrimes } from '../bfv/parameters.ts';
import { reject } from '../base/reject.ts';
import { elementCount } from '../base/tensor.ts';
import { atMost, checkCiphertexts, checkIndices, CLIENT_LIMITS } from '../lowering/limits.ts';
import { greatestCommonDivisor } from '../rings/primes.ts';
import { checkNetworkParameters } from './checkParameters.ts';
import { keyBytes } from './counts.ts';
import { inputCiphertexts } from './inputPlaces.ts';
import { parametersFor } from './plan.ts';
import type { LogitWindow } from './plan.ts';
import type { Fraction } from './spec.ts';
import type { NetworkView } from './view.ts';

/**
 * Checks a client's view of a network that may come from anyone: that its parameters are secure, that every number in it is
 * of something that exists, and that following it takes neither forever nor all the memory. Every size is bounded by
 * arithmetic before anything of that size is made.
 * @throws CipherconvError `plan-rejected` naming the field
 */
export function checkNetworkView(view: NetworkView): void {
  const { parameters, resultPrimes } = view;
  checkNetworkParameters(parameters);
  const own = parametersFor(parameters, parameters.plainModuli[0]!);
  const setup = parameters.degree * allPrimes(own).length ** 2 * parameters.plainModuli.length;
  atMost('parameters.dataPrimes', setup, CLIENT_LIMITS.setup, 'for N x primes^2 x plain moduli');
  if (!Number.isInteger(resultPrimes) || resultPrimes < 1 || resultPrimes > parameters.dataPrimes.length)
    reject(
      'resultPrimes',
      'not a number of data primes',
      `1 to ${parameters.dataPrimes.length}`,
      String(resultPrimes),
    );
  checkInput(view);
  checkKeys(view);
  checkResults(view);
}

function checkInput({ input, uploads, parameters }: NetworkView): void {
  const { lo, hi } = input.range;
  if (!Number.isSafeInteger(lo) || !Number.isSafeInteger(hi) || lo > hi)
    reject('input.range', 'not a range of integers', 'lo <= hi, below 2^53', `[${lo}, ${hi}]`);
  const elements = elementCount(input.shape);
  atMost('input.shape', elements, CLIENT_LIMITS.elements, 'elements');
  const { supports, rows } = uploads;
  if (rows.length < 1 || rows.length > parameters.degree)
    reject('uploads.rows', 'do not fit into the slots', `1 to ${parameters.degree}`, String(rows.length));
  checkNumbers('uploads.rows', rows, supports.length);
  atMost(
    'uploads.supports',
    supports.reduce((sum, { length }) => sum + length, 0),
    CLIENT_LIMITS.taps,
    'inputs',
  );
  supports.forEach((support, index) => {
    checkNumbers(`uploads.supports[${index}]`, support, elements);
  });
  const all = inputCiphertexts(uploads, parameters.degree) * parameters.plainModuli.length;
  checkCiphertexts('input', all, parametersFor(parameters, parameters.plainModuli[0]!));
}

/** Numbers of things, of which there are `count`. */
function checkNumbers(where: string, numbers: readonly number[], count: number): void {
  const wrong = numbers.findIndex((number) => !Number.isInteger(number) || number < 0 || number >= count);
  if (wrong >= 0)
    reject(`${where}[${wrong}]`, 'names what is not there', `below ${count}`, String(numbers[wrong]));
}

function checkKeys({ keys, parameters }: NetworkView): void {
  checkIndices('keys.steps', keys.steps, parameters.degree / 2);
  if (keys.steps[0] === 0) reject('keys.steps[0]', 'no rotation', 'at least 1', '0');
  const bytes = keyBytes(keys, parameters);
  if (keys.bytes !== bytes) reject('keys.bytes', 'not what the keys take', String(bytes), String(keys.bytes));
  atMost('keys', bytes, CLIENT_LIMITS.keyBytes, 'bytes');
}

function checkResults({ output, results, logits, parameters }: NetworkView): void {
  const count = elementCount(output.shape);
  const { slots, sums } = results;
  if (slots.length !== count || logits.length !== count)
    reject('results.slots', 'not one a logit', String(count), `${slots.length}, ${logits.length}`);
  checkNumbers('results.slots', slots, parameters.degree);
  checkIndices('results.sums', sums, Math.log2(parameters.degree));
  // Slots that differ outside the bits of the sums share no slot, and there are not more of them than N.
  const summed = sums.reduce((mask, bit) => mask + 2 ** bit, 0);
  if (new Set(slots.map((slot) => slot & ~summed)).size !== count || slots.some((slot) => slot & summed))
    reject('results.slots', 'a slot of two sums', 'each in one', slots.join(', '));
  const product = parameters.plainModuli.reduce((all, modulus) => all * BigInt(modulus), 1n);
  logits.forEach((window, index) => {
    checkWindow(`logits[${index}]`, window, product);
  });
  checkScale(output.scale);
}

/** The values of a window are told apart by their residues. */
function checkWindow(where: string, window: LogitWindow, product: bigint): void {
  const [lo, hi, modulus] = [BigInt(window.lo), BigInt(window.hi), BigInt(window.modulus)];
  if (lo > hi || modulus < 0n || (modulus === 0n) !== (lo === hi))
    reject(where, 'not a window', 'lo < hi and a step, or a constant', `${lo}, ${hi}, ${modulus}`);
  if (modulus === 0n) return;
  const values = (hi - lo) / modulus + 1n;
  if ((hi - lo) % modulus !== 0n || values > product)
    reject(where, 'does not fit the plain moduli', `at most ${product} values`, String(values));
  if (greatestCommonDivisor(modulus, product) !== 1n)
    reject(where, 'a step without an inverse', 'coprime to the plain moduli', String(modulus));
}

function checkScale({ numerator, denominator }: Fraction): void {
  if (BigInt(denominator) > 0n && BigInt(numerator) !== 0n) return;
  reject('output.scale', 'not a scale', 'a fraction that is not 0', `${numerator} / ${denominator}`);
}
