/** The two ends of a message in 64-bit arithmetic, against exact integers. */
import { describe, expect, it } from 'vitest';
import { NOTHING_DROPPED } from '../../compiler/bfv/noise.ts';
import type { Parameters } from '../../compiler/bfv/parameters.ts';
import { nttPrimes } from '../../compiler/rings/primes.ts';
import { MessageCoder } from '../../runtime/client/messageCoder.ts';
import { scaledMessage } from '../../runtime/client/scaling.ts';
import { loadRing } from '../../runtime/ring/module.ts';
import { scaleDownExactly } from '../../runtime/ring/scaling.ts';
import { responseCodes } from '../../runtime/wire/ciphertexts.ts';
import { loadPacking, Packer } from '../../runtime/wire/packer.ts';
import { uploadCodes } from '../../runtime/wire/uploads.ts';
import { residuesOf, storeResidues } from '../ring/negacyclic.ts';

const ring = await loadRing();
const packing = await loadPacking();
const WIRE = { upload: 'seeded', ...NOTHING_DROPPED } as const;
const DEGREE = 1024;

interface Shape {
  readonly plainModulus: number;
  readonly bits: readonly number[];
  readonly values: { readonly lo: number; readonly hi: number };
}

const BYTE = { lo: -128, hi: 127 };
const WORD = { lo: -32768, hi: 32767 };

const SHAPES: readonly (readonly [string, Shape])[] = [
  ['bytes under 26 bits', { plainModulus: 299_593, bits: [26], values: BYTE }],
  ['words under 31 bits, t even', { plainModulus: 2 ** 22, bits: [31], values: WORD }],
  ['more values than t has residues', { plainModulus: 83, bits: [26], values: WORD }],
  ['more values than q has residues', { plainModulus: 3, bits: [14], values: WORD }],
  ['t near q', { plainModulus: 2 ** 25 + 12_345, bits: [26], values: { lo: 0, hi: 65_535 } }],
  ['one value', { plainModulus: 1001, bits: [31], values: { lo: -7, hi: -7 } }],
  ['43 bits', { plainModulus: 2 ** 31 - 1, bits: [43], values: WORD }],
  ['60 bits, t of 48', { plainModulus: 2 ** 48 - 59, bits: [60], values: WORD }],
  ['60 bits, t of 52: an estimate and a step', { plainModulus: 2 ** 52 - 47, bits: [60], values: WORD }],
  ['two primes', { plainModulus: 2 ** 52 - 1, bits: [40, 26], values: WORD }],
  ['two primes below the values', { plainModulus: 97, bits: [14, 15], values: WORD }],
];

function parametersOf({ plainModulus, bits }: Shape): Parameters {
  const primes: bigint[] = [];
  for (const size of bits) primes.push(nttPrimes(DEGREE, size, 1, primes)[0]!);
  return {
    degree: DEGREE,
    plainModulus,
    dataPrimes: primes.map(String),
    specialPrime: null,
    securityBits: 128,
  };
}

function madeOf(shape: Shape) {
  const parameters = parametersOf(shape);
  const primes = parameters.dataPrimes.map(BigInt);
  const codes = {
    upload: uploadCodes(parameters, WIRE).c0,
    response: responseCodes(parameters, WIRE).c0,
  };
  const coder = new MessageCoder(ring, parameters, codes, shape.values);
  const packer = new Packer(packing, { degree: DEGREE, components: primes.length });
  const q = primes.reduce((product, prime) => product * prime, 1n);
  const masks = new Uint8Array(8 * DEGREE * primes.length);
  return { primes, codes, coder, packer, q, masks };
}

describe('messages', () => {
  it.each(SHAPES)('every value is scaled as exact integers say: %s', (_, shape) => {
    const { primes, codes, coder, packer, q, masks } = madeOf(shape);
    const t = shape.plainModulus;
    const { lo, hi } = shape.values;
    let wrong = 0;
    for (let first = lo; first <= hi; first += DEGREE) {
      const values = Array.from({ length: DEGREE }, (_unused, index) => Math.min(hi, first + index));
      coder.values.set(values);
      const encoded = new Uint8Array(packer.words.byteLength);
      coder.encode(DEGREE, masks, encoded);
      packer.read(encoded, 0, codes.upload, 0, null, 'test');
      const found = residuesOf(packer.words, DEGREE);
      values.forEach((value, index) => {
        const scaled = scaledMessage(q, t, ((value % t) + t) % t);
        primes.forEach((prime, which) => {
          if (found[which]![index] !== scaled % prime) wrong++;
        });
      });
    }
    expect(wrong).toBe(0);
  });

  it.each(SHAPES.filter(([, { bits, plainModulus }]) => bits.length === 1 && plainModulus < 2 ** 50))(
    'sums on both sides of every border are scaled down as exact integers say: %s',
    (_, shape) => {
      const { codes, coder, packer, q, masks } = madeOf(shape);
      const t = BigInt(shape.plainModulus);
      const all = Int32Array.from({ length: DEGREE }, (_unused, index) => index);
      let wrong = 0;
      for (let round = 0n; round < 16n; round++) {
        const sums = Array.from({ length: DEGREE }, (_unused, index) => {
          // Messages from both ends and over the whole range, each at its upper border.
          const place = round * BigInt(DEGREE) + BigInt(index >> 2);
          const message = [place, t - 1n - (place % t), (place * t) / 16_384n, place * 7919n][index & 3]! % t;
          const border = (q * (2n * message + 1n)) / (2n * t);
          return (border + BigInt((index >> 2) % 5) - 2n + q) % q;
        });
        storeResidues(packer.words, [sums]);
        const packed = new Uint8Array(packer.words.byteLength);
        packer.write(packed, 0, codes.response, 0, null);
        coder.unmask(packed, all, masks, 'test');
        coder.accumulators([{ end: DEGREE, base: 0, low: 0 }]);
        sums.forEach((sum, index) => {
          if (coder.values[index] !== Number(scaleDownExactly(sum, q, t).residue)) wrong++;
        });
        // In one pass, which takes four at a time: runs of every length, each with a window of its own.
        const windows = [1, 2, 3, 5, 8, 13, DEGREE].map((end, at) => ({
          end,
          base: Number((t * BigInt(at)) / 7n),
          low: -100 * at,
        }));
        coder.accumulators(windows);
        const expected = Float64Array.from(coder.values);
        coder.values.fill(-1);
        coder.decrypt(packed, all, masks, windows, 'test');
        if (!expected.every((value, index) => value === coder.values[index])) wrong++;
      }
      expect(wrong).toBe(0);
    },
  );
});
