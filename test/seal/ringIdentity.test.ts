import { afterEach, describe, expect, it } from 'vitest';
import { NOTHING_DROPPED } from '../../compiler/bfv/noise.ts';
import { dataModulus } from '../../compiler/bfv/parameters.ts';
import type { Parameters } from '../../compiler/bfv/parameters.ts';
import { MessageCoder } from '../../runtime/client/messageCoder.ts';
import { scaledMessage } from '../../runtime/client/scaling.ts';
import { RingArithmetic } from '../../runtime/ring/arithmetic.ts';
import { loadRing } from '../../runtime/ring/module.ts';
import { ciphertextFrames } from '../../runtime/seal/ciphertext.ts';
import { createContext } from '../../runtime/seal/context.ts';
import { CIPHERTEXT_WORDS_AT, saveBytes } from '../../runtime/seal/envelope.ts';
import { loadSeal } from '../../runtime/seal/module.ts';
import { NoiseMeter } from '../../runtime/seal/noiseMeter.ts';
import { readPlaintext } from '../../runtime/seal/plaintext.ts';
import { liveSealObjects, withScope } from '../../runtime/seal/scope.ts';
import { importTernary } from '../../runtime/seal/secretKey.ts';
import { loadPacking, Packer } from '../../runtime/wire/packer.ts';
import { allPrimes } from '../../compiler/bfv/parameters.ts';
import { responseCodes } from '../../runtime/wire/ciphertexts.ts';
import { uploadCodes } from '../../runtime/wire/uploads.ts';
import { residuesOf, storeResidues } from '../ring/negacyclic.ts';
import { probeParameters } from '../support/noiseProbe.ts';
import type { ProbeShape } from '../support/noiseProbe.ts';
import { runs, SEED } from '../support/properties.ts';
import { randomIntegers } from '../support/specs.ts';

afterEach(() => {
  expect(liveSealObjects()).toBe(0);
});

const seal = await loadSeal();
const ring = await loadRing();
const packing = await loadPacking();
const WIRE = { upload: 'seeded', ...NOTHING_DROPPED } as const;

/** Two primes are allowed 106 bits in all at N = 4096, the special one included. */
const SHAPES: readonly (readonly [string, ProbeShape])[] = [
  ['t odd', { degree: 1024, plainModulus: 83, dataBits: [26], specialBits: null }],
  ['t even', { degree: 1024, plainModulus: 256, dataBits: [25], specialBits: null }],
  ['t near q', { degree: 1024, plainModulus: 2 ** 25 + 12345, dataBits: [26], specialBits: null }],
  ['a prime of 31 bits', { degree: 2048, plainModulus: 1001, dataBits: [31], specialBits: null }],
  [
    'a prime of 52 bits, a large t',
    { degree: 2048, plainModulus: 2 ** 30 + 4, dataBits: [52], specialBits: null },
  ],
  ['a prime of 60 bits', { degree: 4096, plainModulus: 2 ** 40 + 15, dataBits: [60], specialBits: null }],
  ['two primes', { degree: 4096, plainModulus: 40961, dataBits: [26, 40], specialBits: 40 }],
];

const OFFSETS = [-1n, 1n, 2n] as const;

/** Sums x = c0 + c1 s that decide: at 0.999 of the noise bound, at the ends, in the middle between messages, anywhere. */
function sums(parameters: Parameters, random: (low: number, high: number) => number): bigint[] {
  const q = dataModulus(parameters);
  const t = BigInt(parameters.plainModulus);
  const bound = q / (2n * t);
  // With several primes SEAL's own base conversion is off by 2^-60 or so of the way between two messages, which the noise
  // rule leaves a margin of 2^-50 for; ours is exact. So the sums there keep 2^-52 away from the middle.
  const step = parameters.dataPrimes.length === 1 ? 1n : q / (t << 52n);
  const anywhere = (): bigint => {
    let value = 0n;
    for (let part = 0; part < 4; part++) value = (value << 30n) | BigInt(random(0, 2 ** 30 - 1));
    return value % q;
  };
  return Array.from({ length: parameters.degree }, (_, index) => {
    const message = Number(anywhere() % t);
    const scaled = scaledMessage(q, parameters.plainModulus, message);
    const noise = (bound * 999n) / 1000n;
    const kinds = [
      () => anywhere(),
      () => scaled + noise,
      () => scaled - noise,
      () => BigInt(index % 8) - 4n,
      () => q / 2n + BigInt(index % 5) - 2n,
      // Where the result changes: the first and the last sum of a message.
      () => (q * (2n * BigInt(message) + 1n)) / (2n * t) + step * OFFSETS[index % 3]!,
    ];
    return ((((kinds[index % kinds.length]!() % q) + q) % q) + q) % q;
  });
}

/**
 * Every coefficient of a ciphertext is a decryption of its own, as SEAL rounds each by itself: 30,720 in `npm test`, and
 * 153,600 in a round of `npm run test:more`.
 */
const DECRYPTIONS = SHAPES.reduce((sum, [, { degree }]) => sum + degree * runs(2), 0);

it('are as many as promised', () => {
  expect(DECRYPTIONS).toBe(runs(30_720));
});

describe('our decryption, encryption and noise measure are those of SEAL, bit for bit', () => {
  it.each(SHAPES)('%s', (_, shape) => {
    const parameters = probeParameters(shape);
    const { degree, plainModulus } = parameters;
    const primes = parameters.dataPrimes.map(BigInt);
    const random = randomIntegers(SEED % 1000);
    const rounds = runs(2);
    withScope((scope) => {
      const context = createContext(scope, seal, parameters);
      const arithmetic = new RingArithmetic(ring, degree, primes);
      const codes = {
        upload: uploadCodes(parameters, WIRE).c0,
        response: responseCodes(parameters, WIRE).c0,
      };
      const valueCount = Math.min(plainModulus, 2 ** 32);
      const coder = new MessageCoder(ring, parameters, codes, { lo: 0, hi: valueCount - 1 });
      const all = Int32Array.from({ length: degree }, (_unused, index) => index);
      arithmetic.drawTernary(new Uint8Array(32).fill(random(0, 255)), random(0, 1000));
      const key = Int8Array.from(arithmetic.errors);
      arithmetic.setKey();
      const template = scope.own(scope.own(new seal.KeyGenerator(context.context)).secretKey());
      const secret = importTernary(scope, seal, context, allPrimes(parameters), template, key);
      const decryptor = scope.own(new seal.Decryptor(context.context, secret));
      const meter = new NoiseMeter(scope, seal, context, primes, saveBytes(seal, secret));
      const ciphertext = scope.own(new seal.Ciphertext());
      const plaintext = scope.own(new seal.Plaintext());
      const { full } = ciphertextFrames(seal, context);
      const packer = new Packer(packing, { degree, components: primes.length });
      for (let round = 0; round < rounds; round++) {
        const wanted = sums(parameters, random);
        arithmetic.drawUniform(new Uint8Array(32).fill(7), { domain: 'seededC1', index: round });
        const c1 = arithmetic.words.slice();
        arithmetic.multiplyByKey();
        const masks = arithmetic.gather(all, 'words');
        const products = residuesOf(arithmetic.words, degree);
        const c0 = primes.map((prime, which) =>
          wanted.map((sum, index) => (((sum - products[which]![index]!) % prime) + prime) % prime),
        );
        // SEAL's way.
        const envelope = new Uint8Array(full.byteLength);
        envelope.set(full.head);
        storeResidues(packer.words, c0);
        envelope.set(new Uint8Array(packer.words.slice().buffer), CIPHERTEXT_WORDS_AT);
        envelope.set(new Uint8Array(c1.buffer), CIPHERTEXT_WORDS_AT + 8 * degree * primes.length);
        ciphertext.loadFromArray(context.context, envelope);
        decryptor.decrypt(ciphertext, plaintext);
        const expected = readPlaintext(seal, plaintext, new Float64Array(degree));
        // Ours.
        const bytes = new Uint8Array(packer.words.byteLength);
        packer.write(bytes, 0, codes.response, 0, null);
        coder.unmask(bytes, all, masks, 'test');
        expect(coder.budgetBits(degree)).toBe(meter.budgetBits(ciphertext, envelope, null));
        coder.accumulators([{ end: degree, base: 0, low: 0 }]);
        expect(Array.from(coder.values)).toEqual(Array.from(expected));
        coder.values.fill(-1);
        coder.decrypt(bytes, all, masks, [{ end: degree, base: 0, low: 0 }], 'test');
        expect(Array.from(coder.values)).toEqual(Array.from(expected));
        // And what is encrypted is SEAL's scaled message, with no error at all: masks of 0.
        const messages = wanted.map((sum) => Number(sum % BigInt(valueCount)));
        coder.values.set(messages);
        const encoded = new Uint8Array(packer.words.byteLength);
        coder.encode(degree, new Uint8Array(masks.length), encoded);
        packer.read(encoded, 0, codes.upload, 0, null, 'test');
        const q = dataModulus(parameters);
        expect(residuesOf(packer.words, degree)).toEqual(
          primes.map((prime) => messages.map((message) => scaledMessage(q, plainModulus, message) % prime)),
        );
      }
    });
  });
});
