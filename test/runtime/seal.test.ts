import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { nttPrimes } from '../../compiler/rings/primes.ts';
import { ciphertextFrames } from '../../runtime/seal/ciphertext.ts';
import { createContext } from '../../runtime/seal/context.ts';
import { fitsFrame, plainBytes, saveBytes, wordHalves } from '../../runtime/seal/envelope.ts';
import { loadSeal, sealVersion } from '../../runtime/seal/module.ts';
import { PlaintextWriter, readPlaintext } from '../../runtime/seal/plaintext.ts';
import { liveSealObjects, withScope } from '../../runtime/seal/scope.ts';
import { makeParameters } from './handmadePlan.ts';
import type { Parameters } from '../../compiler/bfv/parameters.ts';

const seal = await loadSeal();

afterEach(() => {
  expect(liveSealObjects()).toBe(0);
});

describe('module', () => {
  it('is loaded once', async () => {
    expect(await loadSeal()).toBe(seal);
  });

  it('is refused with one clear error by an engine without exnref, before it is compiled', () => {
    const module = JSON.stringify(new URL('../../runtime/seal/module.ts', import.meta.url));
    const script = `import(${module}).then((module) => module.loadSeal()).catch((error) => console.log(error.name, error.message))`;
    const args = ['--no-experimental-wasm-exnref', '-e', script];
    const output = execFileSync(process.execPath, args, { encoding: 'utf8' });
    expect(output).toMatch(/^CipherconvError this JavaScript engine cannot compile Microsoft SEAL/);
    expect(output).toMatch(/Node 22\.19 .* Chrome or Edge 137, Firefox 131, Safari 18\.4/);
    expect(output).not.toContain('CompileError');
  });

  it('says the versions that the package and the envelopes carry', () => {
    // The package does not export its own package.json, so it is found beside its entry point.
    const manifest = new URL('../package.json', import.meta.resolve('node-seal'));
    const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
    const [, , , major, minor] = withScope((scope) => saveBytes(seal, scope.own(new seal.Plaintext(1))));
    expect(sealVersion()).toContain(
      `node-seal ${version} (Microsoft SEAL ${String(major)}.${String(minor)}.`,
    );
  });
});

describe('context', () => {
  it('takes one prime, which carries data', () => {
    withScope((scope) => {
      const context = createContext(scope, seal, makeParameters(1024, 82));
      expect(context).toMatchObject({ degree: 1024, plainModulus: 82, dataPrimeCount: 1 });
    });
  });

  it('takes several data primes and a special prime, which stays out of the data level', () => {
    withScope((scope) => {
      const context = createContext(scope, seal, makeParameters(4096, 2 ** 33, [36, 36, 30]));
      expect(context.dataPrimeCount).toBe(2);
    });
  });

  it('takes the higher security levels', () => {
    withScope((scope) => {
      const prime = String(nttPrimes(2048, 29, 1)[0]);
      for (const securityBits of [192, 256] as const) {
        const parameters: Parameters = { ...makeParameters(2048, 82), dataPrimes: [prime], securityBits };
        expect(createContext(scope, seal, parameters).dataPrimeCount).toBe(1);
      }
    });
  });

  const refused: [string, Parameters][] = [
    ['more bits of q than the level allows', { ...makeParameters(1024, 82), securityBits: 192 }],
    ['a modulus that is no prime', { ...makeParameters(1024, 82), dataPrimes: ['67104767'] }],
    ['a prime too large for the degree', makeParameters(1024, 82, [40])],
    [
      'a special prime that SEAL would use for data, because t does not fit below the rest',
      { ...makeParameters(4096, 2 ** 33, [30, 36]) },
    ],
    [
      'a plain modulus not coprime to q',
      { ...makeParameters(1024, 82), plainModulus: 2 * Number(nttPrimes(1024, 26, 1)[0]) },
    ],
  ];
  it.each(refused)('refuses %s', (_name, parameters) => {
    expect(() => withScope((scope) => createContext(scope, seal, parameters))).toThrow(
      expect.objectContaining({ code: 'plan-rejected' }),
    );
  });
});

describe('plaintexts', () => {
  const plainModulus = 2 ** 52;

  /** Writes the coefficients given, loads them into SEAL and reads them back. */
  function roundTrip(coefficients: ReadonlyMap<number, number>): Float64Array {
    return withScope((scope) => {
      const context = createContext(scope, seal, makeParameters(4096, plainModulus, [60]));
      const writer = new PlaintextWriter(seal, context);
      const plaintext = scope.own(new seal.Plaintext());
      writer.put(4095, 1);
      writer.load(plaintext);
      writer.clear();
      for (const [index, value] of coefficients) writer.put(index, value);
      writer.load(plaintext);
      return readPlaintext(seal, plaintext, new Float64Array(4096).fill(-1));
    });
  }

  it('keep every coefficient, those near 2^52 too', () => {
    const values = [1, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, 2 ** 51 + 12345, 2 ** 52 - 1];
    const coefficients = new Map(values.map((value, index) => [index * 819, value]));
    const read = roundTrip(coefficients);
    read.forEach((value, index) => {
      expect(value).toBe(coefficients.get(index) ?? 0);
    });
  });

  it('of zero are all zeros', () => {
    expect(roundTrip(new Map()).every((value) => value === 0)).toBe(true);
  });

  it('that SEAL has shortened are read with zeros behind', () => {
    withScope((scope) => {
      const short = scope.own(new seal.Plaintext(3));
      expect(readPlaintext(seal, short, new Float64Array(8).fill(9))).toEqual(new Float64Array(8));
      expect(() => readPlaintext(seal, short, new Float64Array(2))).toThrow('internal');
    });
  });

  it('come out of a decryption as they went in', () => {
    withScope((scope) => {
      const context = createContext(scope, seal, makeParameters(4096, 2 ** 33, [53]));
      const generator = scope.own(new seal.KeyGenerator(context.context));
      const secretKey = scope.own(generator.secretKey());
      const publicKey = scope.own(generator.createPublicKey());
      const encryptor = scope.own(new seal.Encryptor(context.context, publicKey, secretKey));
      const decryptor = scope.own(new seal.Decryptor(context.context, secretKey));
      const plaintext = scope.own(new seal.Plaintext());
      const writer = new PlaintextWriter(seal, context);
      writer.clear();
      writer.put(2, 2 ** 33 - 5);
      writer.load(plaintext);
      const seeded = saveBytes(seal, scope.own(encryptor.encryptSymmetricSerializable(plaintext)));
      const frames = ciphertextFrames(seal, context);
      expect(fitsFrame(seeded, frames.seeded)).toBe(true);
      expect(fitsFrame(seeded, frames.full)).toBe(false);
      const ciphertext = scope.own(new seal.Ciphertext());
      ciphertext.loadFromArray(context.context, seeded);
      expect(fitsFrame(saveBytes(seal, ciphertext), frames.full)).toBe(true);
      const decrypted = scope.own(new seal.Plaintext());
      decryptor.decrypt(ciphertext, decrypted);
      expect(decrypted.coeffCount()).toBe(3);
      const read = readPlaintext(seal, decrypted, new Float64Array(4096));
      expect(read[2]).toBe(2 ** 33 - 5);
      expect(read.filter((value) => value !== 0).length).toBe(1);
    });
  });
});

describe('envelopes', () => {
  it.each([
    [1024, [26], 113 + 8 * 1024 + 81],
    [4096, [36, 36, 30], 113 + 8 * 4096 * 2 + 81],
  ] as const)('of N = %i have the sizes of the format', (degree, primes, bytes) => {
    withScope((scope) => {
      const context = createContext(scope, seal, makeParameters(degree, 82, primes));
      const { seeded, full } = ciphertextFrames(seal, context);
      expect(seeded.byteLength).toBe(bytes);
      expect(full.byteLength).toBe(113 + 16 * degree * context.dataPrimeCount);
    });
  });

  it('are read at any alignment', () => {
    const bytes = Uint8Array.from({ length: 25 }, (_, index) => index);
    expect(wordHalves(bytes, 8, 2)).toEqual(wordHalves(bytes.subarray(0).slice(8), 0, 2));
    expect(wordHalves(bytes, 9, 2)).toEqual(wordHalves(bytes.slice(9), 0, 2));
    expect(plainBytes(Buffer.from(bytes)).constructor).toBe(Uint8Array);
    expect(plainBytes(Buffer.from(bytes))).toEqual(bytes);
  });
});
