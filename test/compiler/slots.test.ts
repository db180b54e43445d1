import { fc, runs } from '../support/properties.ts';
import { describe, expect, it } from 'vitest';
import { slotTransform, smallestRoot } from '../../compiler/rings/slots.ts';
import { batchingPrime } from '../../compiler/diagonals/parameters.ts';
import { centredLift, multiplication, powerOf } from '../../compiler/rings/residues.ts';
import { rotateSlots } from '../../compiler/diagonals/simulate.ts';
import { createContext } from '../../runtime/seal/context.ts';
import { loadSeal } from '../../runtime/seal/module.ts';
import { PlaintextWriter, readPlaintext } from '../../runtime/seal/plaintext.ts';
import { withScope } from '../../runtime/seal/scope.ts';
import { probeParameters } from '../support/noiseProbe.ts';
import { randomIntegers } from '../support/specs.ts';

function randomSlots(degree: number, plainModulus: number, seed: number): Float64Array {
  const random = randomIntegers(seed);
  return Float64Array.from({ length: degree }, () => random(0, plainModulus - 1));
}

describe('arithmetic modulo t', () => {
  it('is exact at every size of t, against bigints', () => {
    const anyModulus = fc.oneof(
      fc.integer({ min: 2, max: 2 ** 26 }),
      fc.integer({ min: 2 ** 26, max: 2 ** 31 - 1 }),
      fc.constantFrom(2 ** 26, 2 ** 26 + 1, 2 ** 35, 2 ** 35 + 1, 2 ** 51 - 1),
    );
    const fractions = fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.constantFrom(0, 0.5, 1));
    fc.assert(
      fc.property(anyModulus, fractions, (modulus, [first, second]) => {
        const [left, right] = [first, second].map((part) =>
          Math.min(modulus - 1, Math.floor(part * modulus)),
        ) as [number, number];
        const expected = Number((BigInt(left) * BigInt(right)) % BigInt(modulus));
        expect(multiplication(modulus)(left, right)).toBe(expected);
        expect(multiplication(modulus)(left, left)).toBe(Number(BigInt(left) ** 2n % BigInt(modulus)));
      }),
      { numRuns: runs(2000) },
    );
    expect([0, 1, 2, 3, 4].map((value) => centredLift(value, 5))).toEqual([0, 1, 2, -2, -1]);
  });
});

describe('slots', () => {
  it.each([
    [1024, 2, 12289],
    [2048, 12290, 40961],
    [4096, 100, 40961],
    [8192, 65537, 65537],
    [8192, 65538, 114689],
  ] as const)('at N = %i a t of at least %i is the prime %i', (degree, width, prime) => {
    expect(batchingPrime(degree, width)).toBe(prime);
    const multiply = multiplication(prime);
    expect(powerOf(multiply, smallestRoot(degree, prime), degree)).toBe(prime - 1);
  });

  it('there are none past 2^51', () => {
    expect(batchingPrime(4096, 2 ** 51)).toBe(null);
  });

  it.each([
    [1024, 1],
    [2048, 2 ** 20],
    [4096, 2 ** 33],
    [1024, 2 ** 44],
  ] as const)('N = %i, t past %i: coefficients and back, sums slot by slot', (degree, width) => {
    const plainModulus = batchingPrime(degree, width)!;
    const transform = slotTransform(degree, plainModulus);
    const slots = randomSlots(degree, plainModulus, 3);
    expect(transform.decode(transform.encode(slots))).toEqual(slots);
    const constant = transform.encode(new Float64Array(degree).fill(7));
    expect(constant).toEqual(Float64Array.from({ length: degree }, (_, index) => (index === 0 ? 7 : 0)));
  });

  it('are those of SEAL: its BatchEncoder gives the same coefficients', async () => {
    const seal = await loadSeal();
    for (const plainModulus of [40961, batchingPrime(4096, 2 ** 30)!]) {
      const parameters = probeParameters({
        degree: 4096,
        plainModulus,
        dataBits: [50],
        specialBits: 40,
      });
      withScope((scope) => {
        const bfv = createContext(scope, seal, parameters);
        const encoder = scope.own(new seal.BatchEncoder(bfv.context));
        const plaintext = scope.own(new seal.Plaintext());
        const slots = randomSlots(4096, plainModulus, 5);
        encoder.encode(
          BigUint64Array.from(slots, (value) => BigInt(value)),
          plaintext,
        );
        const expected = readPlaintext(seal, plaintext, new Float64Array(4096));
        expect(slotTransform(4096, plainModulus).encode(slots)).toEqual(expected);
      });
    }
  });

  it('rotate as SEAL rotates them, values in both rows', async () => {
    const seal = await loadSeal();
    const [degree, plainModulus] = [4096, 40961] as const;
    const shape = { degree, plainModulus, dataBits: [50], specialBits: 50 };
    const transform = slotTransform(degree, plainModulus);
    withScope((scope) => {
      const bfv = createContext(scope, seal, probeParameters(shape));
      const generator = scope.own(new seal.KeyGenerator(bfv.context));
      const secret = scope.own(generator.secretKey());
      const encryptor = scope.own(
        new seal.Encryptor(bfv.context, scope.own(generator.createPublicKey()), secret),
      );
      const decryptor = scope.own(new seal.Decryptor(bfv.context, secret));
      const evaluator = scope.own(new seal.Evaluator(bfv.context));
      const keys = scope.own(generator.createGaloisKeysWithSteps(Int32Array.of(0, 1, 2047, 700)));
      const slots = randomSlots(degree, plainModulus, 6);
      const plaintext = scope.own(new seal.Plaintext());
      const writer = new PlaintextWriter(seal, bfv);
      transform.encode(slots).forEach((coefficient, index) => {
        writer.put(index, coefficient);
      });
      for (const step of [1, 700, 2047, 0]) {
        writer.load(plaintext);
        const ciphertext = scope.own(new seal.Ciphertext());
        encryptor.encryptSymmetric(plaintext, ciphertext);
        if (step === 0) evaluator.rotateColumnsInplace(ciphertext, keys);
        else evaluator.rotateRowsInplace(ciphertext, step, keys);
        decryptor.decrypt(ciphertext, plaintext);
        const found = transform.decode(readPlaintext(seal, plaintext, new Float64Array(degree)));
        expect(found).toEqual(rotateSlots(slots, step, step === 0));
      }
    });
  });
});
