import { describe, expect, it } from 'vitest';
import {
  droppedFromC0,
  droppedFromC1,
  errorTail,
  freshSymmetric,
  messageRounding,
  sum,
  timesPlaintext,
} from '../../compiler/bfv/noise.ts';
import type { TwiceNoise } from '../../compiler/bfv/noise.ts';
import { CIPHERTEXT_WORDS_AT, saveBytes, wordHalves } from '../../runtime/seal/envelope.ts';
import type { Ciphertext } from '../../runtime/seal/module.ts';
import { NoiseMeter } from '../../runtime/seal/noiseMeter.ts';
import { SealScope } from '../../runtime/seal/scope.ts';
import { codeBits, packedBytes, polynomialCode } from '../../runtime/wire/coefficients.ts';
import { loadPacking, Packer } from '../../runtime/wire/packer.ts';
import { deviation, largest, makeProbe } from '../support/noiseProbe.ts';
import type { NoiseProbe, ProbeShape } from '../support/noiseProbe.ts';
import { randomIntegers } from '../support/specs.ts';
import {
  droppedFromC0Deviation,
  droppedFromC1Deviation,
  FRESH_SYMMETRIC_DEVIATION,
  freshPublicKey,
  freshPublicKeyDeviation,
  freshPublicKeySpecial,
  freshPublicKeySpecialDeviation,
  modulusSwitch,
  modulusSwitchDeviation,
  rotation,
  timesPlaintextDeviation,
} from '../support/noiseFormulas.ts';

/**
 * SEAL draws its own randomness and takes no seed, so the sample sizes make these tests certain instead: the deviation
 * of n independent values is known to 1 / sqrt(2 n), which for n = 40,000 is 0.35%, so 5% is 14 standard errors. Where
 * one key or one mask is shared by a ciphertext, many of them are drawn. Messages and weights have a fixed seed.
 */
const SINGLE: ProbeShape = { degree: 1024, plainModulus: 83, dataBits: [26], specialBits: null };
const FRESH = freshSymmetric(83);
const DOUBLE: ProbeShape = { degree: 4096, plainModulus: 40961, dataBits: [36, 34], specialBits: 36 };

function randomMessage(probe: NoiseProbe, seed: number): Float64Array {
  const random = randomIntegers(seed);
  return Float64Array.from({ length: probe.bfv.degree }, () => random(0, probe.bfv.plainModulus - 1));
}

/** Noise of many ciphertexts: `make` gets a fresh message each time; `keys` different keys. */
async function samples(
  shape: ProbeShape,
  keys: number,
  perKey: number,
  make: (probe: NoiseProbe, message: Float64Array, seed: number) => Ciphertext,
): Promise<number[]> {
  const values: number[] = [];
  for (let key = 0; key < keys; key++) {
    const scope = new SealScope();
    const probe = await makeProbe(scope, shape);
    for (let run = 0; run < perKey; run++) {
      const seed = 1000 * key + run;
      // Not spread: a call with 10^5 arguments would overflow the stack.
      for (const value of probe.noise(make(probe, randomMessage(probe, seed), seed))) values.push(value);
    }
    scope.dispose();
  }
  return values;
}

/** Never above the bound; the deviation, where there is a formula, within 5%. */
function expectNoise(values: readonly number[], bound: TwiceNoise, formula?: number): void {
  expect(values.length).toBeGreaterThanOrEqual(40_000);
  expect(2 * largest(values)).toBeLessThanOrEqual(Number(bound));
  if (formula === undefined) return;
  expect(deviation(values) / formula).toBeGreaterThan(0.95);
  expect(deviation(values) / formula).toBeLessThan(1.05);
}

/** Who makes a fresh ciphertext, both under the same key. */
const ENCRYPT = {
  "SEAL's ciphertexts": (probe: NoiseProbe, message: Float64Array) =>
    probe.encrypt(probe.plaintext(message), 'symmetric'),
  'our ciphertexts': (probe: NoiseProbe, message: Float64Array) => probe.encryptOurs(message),
} as const;

const packing = await loadPacking();

/** A ciphertext with its coefficients cut and restored as on the wire. */
function roundTrip(
  probe: NoiseProbe,
  ciphertext: Ciphertext,
  polynomial: 0 | 1,
  dropped: number,
): Ciphertext {
  const { degree, context } = probe.bfv;
  const envelope = saveBytes(probe.seal, ciphertext);
  const words = wordHalves(envelope, CIPHERTEXT_WORDS_AT, 2 * degree).slice();
  const part = words.subarray(2 * degree * polynomial, 2 * degree * (polynomial + 1));
  const code = polynomialCode({ dataPrimes: probe.primes.map(String) }, dropped);
  const bytes = new Uint8Array(packedBytes(codeBits(code, degree)));
  const packer = new Packer(packing, { degree, components: 1 });
  packer.words.set(part);
  packer.write(bytes, 0, code, 0, null);
  packer.read(bytes, 0, code, 0, null, 'test');
  part.set(packer.words);
  envelope.set(new Uint8Array(words.buffer), CIPHERTEXT_WORDS_AT);
  ciphertext.loadFromArray(context, envelope);
  return ciphertext;
}

describe.each(Object.entries(ENCRYPT))('%s: measured noise against its bound', (_, encrypt) => {
  it('fresh, symmetric', async () => {
    const values = await samples(SINGLE, 4, 12, (probe, message) => encrypt(probe, message));
    expectNoise(values, FRESH, FRESH_SYMMETRIC_DEVIATION);
    // Sound and not absurd: the worst case is reached within a factor of two.
    expect(largest(values)).toBeGreaterThan(21.5 / 2);
  });

  it('times a plaintext, negative weights and a single weight included', async () => {
    for (const weights of [
      [3, -1, 0, 2, -3, 0, 1],
      [-2],
      Array.from({ length: 64 }, (_, index) => (index % 7) - 3),
    ]) {
      const l1 = weights.reduce((norm, weight) => norm + Math.abs(weight), 0);
      const l2 = Math.hypot(...weights);
      const values = await samples(SINGLE, 4, 12, (probe, message) => {
        const ciphertext = encrypt(probe, message);
        const plaintext = probe.plaintext(weights);
        probe.evaluator.plainTransformToNttInplace(plaintext, probe.bfv.firstParmsId);
        probe.evaluator.cipherTransformToNttInplace(ciphertext);
        probe.evaluator.multiplyPlainInplace(ciphertext, plaintext);
        probe.evaluator.cipherTransformFromNttInplace(ciphertext);
        return ciphertext;
      });
      expectNoise(values, timesPlaintext(FRESH, l1), timesPlaintextDeviation(FRESH_SYMMETRIC_DEVIATION, l2));
      // The tail bound lies far above what 49,152 coefficients show, and below the worst case where there are many taps.
      const tail = errorTail(Math.round(l2 * l2), 49_152) + timesPlaintext(1n, l1);
      expect(2 * largest(values)).toBeLessThanOrEqual(Number(tail));
      if (weights.length === 64) expect(tail < timesPlaintext(FRESH, l1)).toBe(true);
    }
  });

  it('a sum', async () => {
    const terms = 5;
    const values = await samples(SINGLE, 4, 12, (probe, message) => {
      const total = encrypt(probe, message);
      for (let term = 1; term < terms; term++) {
        probe.evaluator.addInplace(total, encrypt(probe, message));
      }
      return total;
    });
    const bound = sum(...new Array<TwiceNoise>(terms).fill(FRESH));
    // The message's rounding is the same in every term: it adds, where errors only add in squares.
    expectNoise(values, bound, Math.sqrt(terms * 10.5 + (terms * terms) / 12));
  });

  it.each([0, 1, 4, 7, 11])('%i bits dropped from c0', async (bits) => {
    const values = await samples(SINGLE, 4, 12, (probe, message) =>
      roundTrip(probe, encrypt(probe, message), 0, bits),
    );
    // A step of 2 is restored a half off its middle: an average error of 1/2, which the deviation around 0 counts.
    const rounding = bits === 0 ? 0 : Math.hypot(droppedFromC0Deviation(bits), 0.5);
    expectNoise(
      values,
      sum(FRESH, droppedFromC0(1n << BigInt(bits))),
      bits === 1 ? undefined : Math.hypot(FRESH_SYMMETRIC_DEVIATION, rounding),
    );
  });

  it.each([1, 4, 8])('%i bits dropped from c1', async (bits) => {
    const values = await samples(SINGLE, 12, 6, (probe, message) =>
      roundTrip(probe, encrypt(probe, message), 1, bits),
    );
    expectNoise(
      values,
      sum(FRESH, droppedFromC1(1n << BigInt(bits), SINGLE.degree)),
      bits === 1
        ? undefined
        : Math.hypot(FRESH_SYMMETRIC_DEVIATION, droppedFromC1Deviation(bits, SINGLE.degree)),
    );
  });
});

describe('measured noise against its bound', () => {
  it('fresh, public key, one prime', async () => {
    const values = await samples(SINGLE, 12, 6, (probe, message) =>
      probe.encrypt(probe.plaintext(message), 'public'),
    );
    expectNoise(
      values,
      freshPublicKey(SINGLE.degree, SINGLE.plainModulus),
      freshPublicKeyDeviation(SINGLE.degree),
    );
  });

  it('fresh, public key, special prime', async () => {
    const special = 2n ** 35n;
    const values = await samples(DOUBLE, 4, 4, (probe, message) =>
      probe.encrypt(probe.plaintext(message), 'public'),
    );
    expectNoise(
      values,
      freshPublicKeySpecial(DOUBLE.degree, special, DOUBLE.plainModulus),
      freshPublicKeySpecialDeviation(DOUBLE.degree, special),
    );
  });

  it('an added plaintext', async () => {
    const values = await samples(SINGLE, 4, 12, (probe, message, seed) => {
      const ciphertext = probe.encrypt(probe.plaintext(message), 'symmetric');
      probe.evaluator.addPlainInplace(ciphertext, probe.plaintext(randomMessage(probe, seed + 500)));
      return ciphertext;
    });
    expectNoise(
      values,
      sum(FRESH, messageRounding(SINGLE.plainModulus)),
      Math.hypot(FRESH_SYMMETRIC_DEVIATION, Math.sqrt(1 / 12)),
    );
  });

  it('a modulus switch', async () => {
    const values: number[] = [];
    let prime = 1n;
    for (let key = 0; key < 6; key++) {
      const scope = new SealScope();
      const probe = await makeProbe(scope, DOUBLE);
      prime = probe.primes.at(-1)!;
      const below = {
        ...probe.bfv,
        firstParmsId: scope.own(probe.bfv.context.lastParmsId()),
        dataPrimeCount: 1,
      };
      const meter = new NoiseMeter(scope, probe.seal, below, probe.primes.slice(0, 1), probe.secretKey);
      for (let run = 0; run < 3; run++) {
        const ciphertext = probe.encrypt(probe.plaintext(randomMessage(probe, 10 * key + run)), 'symmetric');
        probe.evaluator.cipherModSwitchToNextInplace(ciphertext);
        for (const scaled of meter.scaledNoise(ciphertext, saveBytes(probe.seal, ciphertext), null)) {
          values.push(Number(scaled) / DOUBLE.plainModulus);
        }
      }
      scope.dispose();
    }
    expectNoise(
      values,
      modulusSwitch(FRESH, prime, DOUBLE.degree),
      modulusSwitchDeviation(FRESH_SYMMETRIC_DEVIATION, DOUBLE.degree, prime),
    );
  });

  it('a rotation: bound only, its errors share the key', async () => {
    const values: number[] = [];
    let bound: TwiceNoise = 0n;
    for (let key = 0; key < 4; key++) {
      const scope = new SealScope();
      const probe = await makeProbe(scope, DOUBLE);
      const generator = scope.own(new probe.seal.KeyGenerator(probe.bfv.context));
      const secret = scope.own(generator.secretKey());
      const galois = scope.own(generator.createGaloisKeysWithSteps(Int32Array.of(1)));
      const encryptor = scope.own(
        new probe.seal.Encryptor(probe.bfv.context, scope.own(generator.createPublicKey()), secret),
      );
      const meter = new NoiseMeter(scope, probe.seal, probe.bfv, probe.primes, saveBytes(probe.seal, secret));
      bound = rotation(FRESH, DOUBLE.degree, probe.primes, 2n ** 35n);
      for (let run = 0; run < 4; run++) {
        const ciphertext = scope.own(new probe.seal.Ciphertext());
        encryptor.encryptSymmetric(probe.plaintext(randomMessage(probe, 10 * key + run)), ciphertext);
        probe.evaluator.rotateRowsInplace(ciphertext, 1, galois);
        for (const scaled of meter.scaledNoise(ciphertext, saveBytes(probe.seal, ciphertext), null)) {
          values.push(Number(scaled) / DOUBLE.plainModulus);
        }
      }
      scope.dispose();
    }
    expectNoise(values, bound);
  });
});
