import { afterEach, describe, expect, it } from 'vitest';
import { compileSpec } from '../../compiler/lowerings/compile.ts';
import { liveSealObjects } from '../../runtime/seal/scope.ts';
import { NegacyclicTransform } from '../../runtime/seal/negacyclic.ts';
import { createPlanClient } from '../../src/client/index.ts';
import { decodeSecretKey, encodeSecretKey } from '../../src/client/secretKey.ts';
import { clientPlanOf } from '../../src/frontend/clientPlan.ts';
import { storedPlan } from '../../src/frontend/planFile.ts';
import { smallSpec } from '../runtime/handmadePlan.ts';
import { errorOf } from '../support/simple.ts';
import { randomIntegers } from '../support/specs.ts';

afterEach(() => {
  expect(liveSealObjects()).toBe(0);
});

const plan = clientPlanOf(storedPlan(compileSpec(smallSpec()), 'NCHW'));
const other = clientPlanOf(storedPlan(compileSpec(smallSpec({ bits: 1 })), 'NCHW'));
const random = randomIntegers(7);
const ternary = Int8Array.from({ length: 1024 }, () => random(-1, 1));

describe('a secret key file', () => {
  it('reads back as it was written, in 40 + N/4 + 32 bytes', () => {
    const bytes = encodeSecretKey(plan, ternary);
    expect(bytes.length).toBe(40 + 256 + 32);
    expect(decodeSecretKey(plan, bytes)).toEqual(ternary);
  });

  it('is fresh every time, ternary, and about a third of each', async () => {
    const keys: Uint8Array[] = [];
    for (let round = 0; round < 2; round++) {
      const client = await createPlanClient(plan);
      keys.push(client.exportSecretKey());
      client.dispose();
    }
    expect(keys[0]).not.toEqual(keys[1]);
    const counts = [-1, 0, 1].map(
      (value) => decodeSecretKey(plan, keys[0]!).filter((coefficient) => coefficient === value).length,
    );
    // Ten standard deviations around 1024/3.
    for (const count of counts) expect(Math.abs(count - 1024 / 3)).toBeLessThan(151);
  });

  it.each<[string, (bytes: Uint8Array) => Uint8Array, string, string]>([
    ['an empty file', () => new Uint8Array(0), 'malformed-key', 'not a secret key'],
    ['another file', () => new Uint8Array(328), 'malformed-key', 'not a secret key'],
    ['another version', (bytes) => bytes.fill(2, 4, 5), 'malformed-key', 'not a secret key'],
    ['reserved bytes', (bytes) => bytes.fill(1, 7, 8), 'malformed-key', 'not a secret key'],
    ['a byte cut off', (bytes) => bytes.slice(0, -1), 'malformed-key', 'not whole'],
    ['a byte too many', (bytes) => Uint8Array.from([...bytes, 0]), 'malformed-key', 'not whole'],
    ['a flipped coefficient', (bytes) => bytes.fill(bytes[50]! ^ 1, 50, 51), 'malformed-key', 'checksum'],
    ['a flipped checksum', (bytes) => bytes.fill(bytes[327]! ^ 1, 327), 'malformed-key', 'checksum'],
    ['a key of another plan', () => encodeSecretKey(other, ternary), 'wrong-plan', 'another plan'],
  ])('refuses %s, and prints nothing of it', async (_, change, code, part) => {
    const secretKey = change(encodeSecretKey(plan, ternary));
    const error = errorOf(() => decodeSecretKey(plan, secretKey));
    expect(error).toMatchObject({ code });
    expect(String(error)).toContain(part);
    await expect(createPlanClient(plan, { secretKey })).rejects.toMatchObject({ code });
  });

  it('refuses a coefficient that is not ternary, whatever its checksum', () => {
    const forged = encodeSecretKey(plan, Int8Array.from(ternary).fill(3, 0, 1));
    expect(errorOf(() => decodeSecretKey(plan, forged))).toMatchObject({ code: 'malformed-key' });
  });
});

describe('the transform of a key', () => {
  it.each([
    [1024, 12289n],
    [2048, 1152921504606830593n],
  ])('is evaluation at odd powers of the smallest root, bits reversed: N = %i', (degree, prime) => {
    const transform = new NegacyclicTransform(degree, prime);
    const x = Array.from({ length: degree }, (_, index) => (index === 1 ? 1n : 0n));
    transform.forward(x);
    // X at its own points: x[0] is the root itself, x[1] its N-th odd power's half way, all of them 2N-th roots of unity.
    const power = (base: bigint, exponent: number): bigint => {
      let result = 1n;
      for (let count = 0; count < exponent; count++) result = (result * base) % prime;
      return result;
    };
    expect(x[1]).toBe(power(x[0]!, degree + 1));
    expect(new Set(x).size).toBe(degree);
    expect(x.reduce((least, value) => (value < least ? value : least))).toBe(x[0]);
    for (const root of x.slice(0, 20)) expect(power(root, degree)).toBe(prime - 1n);
    transform.inverse(x);
    expect(x.findIndex((value) => value !== 0n)).toBe(1);
    expect(x[1]).toBe(1n);
  });
});
