/** Responses under one narrow prime are decrypted four at a time: against exact integers, and the same refusals. */
import { expect, it } from 'vitest';
import { CipherconvError } from '../../compiler/base/errors.ts';
import { MessageCoder } from '../../runtime/client/messageCoder.ts';
import { loadRing } from '../../runtime/ring/module.ts';
import { scaleDownExactly } from '../../runtime/ring/scaling.ts';
import { polynomialCode } from '../../runtime/wire/coefficients.ts';
import { loadPacking, Packer } from '../../runtime/wire/packer.ts';
import { nttPrimes } from '../../compiler/rings/primes.ts';
import { errorOf } from '../support/simple.ts';
import { randomIntegers } from '../support/specs.ts';
import { storeResidues } from '../ring/negacyclic.ts';

const ring = await loadRing();
const packing = await loadPacking();
const DEGREE = 1024;
const ALL = Int32Array.from({ length: DEGREE }, (_, index) => index);

/** Bits of the prime, bits dropped, t: packed residues of 1 to 25 bits, which one pass reads, and of 26, which it does not. */
const SHAPES: readonly (readonly [number, number, number])[] = [
  [28, 15, 4591],
  [28, 3, 4591],
  [28, 2, 4591],
  [31, 6, 2 ** 22],
  [31, 30, 1],
  [26, 1, 2 ** 25 + 12_345],
  [26, 12, 83],
  [14, 0, 3],
];

function madeOf([bits, dropped, plainModulus]: readonly [number, number, number]) {
  const prime = nttPrimes(DEGREE, bits, 1)[0]!;
  const polynomial = polynomialCode({ dataPrimes: [String(prime)] }, dropped);
  const code = polynomial.codes[0]!;
  const parameters = {
    degree: DEGREE,
    plainModulus,
    dataPrimes: [String(prime)],
    specialPrime: null,
    securityBits: 128,
  } as const;
  const coder = new MessageCoder(
    ring,
    parameters,
    { upload: polynomial, response: polynomial },
    { lo: 0, hi: 1 },
  );
  const packer = new Packer(packing, { degree: DEGREE, components: 1 });
  const pack = (values: readonly bigint[]): Uint8Array => {
    // The packer cuts: what is packed has to stand above the bits that it drops.
    storeResidues(packer.words, [values.map((value) => value << BigInt(dropped))]);
    const bytes = new Uint8Array(packer.words.byteLength);
    packer.write(bytes, 0, polynomial, 0, null);
    return bytes.subarray(0, Math.ceil((DEGREE * code.bits) / 8));
  };
  return { prime, code, coder, pack };
}

it.each(SHAPES)('a prime of %i bits, %i dropped, t = %i', (...shape) => {
  const { prime, code, coder, pack } = madeOf(shape);
  const t = BigInt(shape[2]);
  const random = randomIntegers(shape[0] * 100 + shape[1]);
  const below = (limit: bigint): bigint => BigInt(random(0, Number(limit) - 1));
  const values = Array.from({ length: DEGREE }, (_, index) =>
    index % 5 === 0 ? code.largest : index % 5 === 1 ? 0n : below(code.largest + 1n),
  );
  const masks = values.map((_, index) => (index % 3 === 0 ? prime - 1n : below(prime)));
  const maskBytes = new Uint8Array(Uint32Array.from(masks, Number).buffer);
  const windows = [1, 2, 3, 5, 8, 13, 100, DEGREE].map((end, at) => ({
    end,
    base: Number((t * BigInt(at)) / 8n),
    low: -100 * at,
  }));
  coder.decrypt(pack(values), ALL, maskBytes, windows, 'test');
  const expected = values.map((value, index) => {
    const restored = ((value << BigInt(code.dropped)) + code.half) % prime;
    const { residue } = scaleDownExactly((restored + masks[index]!) % prime, prime, t);
    const { base, low } = windows.find(({ end }) => index < end)!;
    return low + Number((residue - BigInt(base) + t) % t);
  });
  expect([...coder.values]).toEqual(expected);
});

it('refuses a residue above the largest wherever it stands, and bits behind the last, as decryption in two passes does', () => {
  const { code, coder, pack } = madeOf([28, 15, 4591]);
  const masks = new Uint8Array(4 * DEGREE);
  const refusal = (action: () => void): unknown => {
    const error = errorOf(action);
    return error instanceof CipherconvError ? error.details : error;
  };
  const good = pack(new Array<bigint>(DEGREE).fill(code.largest));
  // Of 13 bits: there is room above.
  expect(code.largest).toBe(8190n);
  for (const bad of [0, 1, 4, 511, 1020, 1021, 1023]) {
    const values = new Array<bigint>(DEGREE).fill(code.largest);
    values[bad] = code.largest + 1n;
    const windows = [
      { end: 510, base: 0, low: 0 },
      { end: DEGREE - 2, base: 1, low: 0 },
      { end: DEGREE, base: 2, low: 0 },
    ];
    const packed = pack(values);
    const found = refusal(() => {
      coder.decrypt(packed, ALL, masks, windows, 'test');
    });
    expect(found).toMatchObject({ found: `${code.largest + 1n} at coefficient ${bad}` });
    expect(found).toEqual(
      refusal(() => {
        coder.unmask(packed, ALL, masks, 'test');
      }),
    );
  }
  // 1023 residues of 13 bits end inside a byte, where the next one begins.
  const fewer = ALL.subarray(0, DEGREE - 1);
  const run = good.slice(0, Math.ceil((13 * (DEGREE - 1)) / 8));
  const found = refusal(() => {
    coder.decrypt(run, fewer, masks, [{ end: DEGREE - 1, base: 0, low: 0 }], 'test');
  });
  expect(found).toMatchObject({ code: 'malformed-tensor' });
  expect(found).toEqual(
    refusal(() => {
      coder.unmask(run, fewer, masks, 'test');
    }),
  );
});
