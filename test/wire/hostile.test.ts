/**
 * Bytes from outside against client and server of one plan: what our checks refuse never reaches SEAL, what they let
 * through is computed with, and nothing is left on the WASM heap.
 */
import { fc, runs } from '../support/properties.ts';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { compileSpec } from '../../compiler/lowerings/compile.ts';
import { CipherconvError } from '../../compiler/base/errors.ts';
import type { Plan } from '../../compiler/lowerings/plan.ts';
import { convolve } from '../../runtime/clear/loops.ts';
import { liveSealObjects } from '../../runtime/seal/scope.ts';
import { storedPlan } from '../../src/frontend/planFile.ts';
import { clientPlanOf } from '../../src/frontend/clientPlan.ts';
import { createPlanClient } from '../../src/client/index.ts';
import type { PlanClient } from '../../src/client/index.ts';
import { createPlanServer } from '../../src/server/index.ts';
import type { PlanServer } from '../../src/server/index.ts';
import { handmadePlan, smallSpec } from '../runtime/handmadePlan.ts';
import { diagonals, square } from '../support/diagonals.ts';
import { sealCalls } from '../support/sealCalls.ts';
import { errorOf } from '../support/simple.ts';
import { randomInput } from '../support/specs.ts';

const HEADER = 40;
const SEED = 64;

interface Pair {
  readonly plan: Plan;
  readonly client: PlanClient;
  readonly server: PlanServer;
}

async function makePair(plan: Plan): Promise<Pair> {
  const stored = storedPlan(plan, 'NCHW');
  return {
    plan,
    client: await createPlanClient(clientPlanOf(stored)),
    server: await createPlanServer(stored),
  };
}

let one: Pair;
let rotating: Pair;
let other: Pair;

beforeAll(async () => {
  one = await makePair(compileSpec(smallSpec(), { engine: 'seal' }));
  rotating = await makePair(diagonals(square(2, 0)));
  other = await makePair(handmadePlan(smallSpec({ channels: 2 })));
});

afterEach(async () => {
  // Whatever was tried before: an honest run is right.
  for (const { plan, client, server } of [one, rotating]) {
    const input = randomInput(plan.spec, 9);
    const response = server.evaluate(client.encrypt(input), client.evaluationKeys());
    expect(client.decrypt(response)).toEqual(convolve(plan.spec, input));
    await Promise.resolve();
  }
});

afterAll(() => {
  for (const { client, server } of [one, rotating, other]) {
    client.dispose();
    server.dispose();
  }
  expect(liveSealObjects()).toBe(0);
});

type Change = (bytes: Uint8Array) => Uint8Array;

const cut: Change = (bytes) => bytes.slice(0, -1);
const extend: Change = (bytes) => Uint8Array.from([...bytes, 0]);
/** The first coefficient at all ones, which no prime leaves room for here. */
const largeCoefficient: Change = (bytes) => bytes.fill(0xff, HEADER, HEADER + 8);
const reserved: Change = (bytes) => bytes.fill(1, 6, 7);
const wrongPlan: Change = (bytes) => bytes.fill(bytes[20]! ^ 1, 20, 21);
/** The last byte before the seed, which has bits that no coefficient uses. */
const filling: Change = (bytes) => {
  const at = bytes.length - SEED - 1;
  return bytes.fill(bytes[at]! | 0x80, at, at + 1);
};
const envelope: Change = (bytes) => Uint8Array.from([0x5e, 0xa1, 0x10, 4, 1, ...bytes.subarray(5)]);

const FAULTS: [string, Change, string, string][] = [
  ['an empty body', () => new Uint8Array(0), 'malformed-message', 'length'],
  ['truncation', cut, 'malformed-message', 'length'],
  ['extension', extend, 'malformed-message', 'length'],
  ['half of it', (bytes) => bytes.slice(0, bytes.length / 2), 'malformed-message', 'length'],
  ["SEAL's own header", envelope, 'malformed-message', 'magic'],
  ['reserved bytes', reserved, 'malformed-message', 'reserved'],
  ['wrong plan', wrongPlan, 'wrong-plan', 'digest'],
  ['a coefficient >= q', largeCoefficient, 'malformed-tensor', 'upload[0]'],
  ['nonzero filling bits', filling, 'malformed-tensor', 'upload[0]'],
];

describe('uploads', () => {
  it('have filling bits, or that test would prove nothing', () => {
    const bits = (one.server.uploadBytes - HEADER - SEED) * 8;
    const { dataPrimes } = one.plan.parameters;
    const perCoefficient = BigInt(dataPrimes[0]!).toString(2).length - one.plan.wire.uploadC0;
    expect(bits % perCoefficient).toBeGreaterThan(0);
    expect(bits % perCoefficient).toBeLessThan(8);
  });

  it.each(FAULTS)('%s: refused before SEAL', async (_, change, code, where) => {
    const upload = change(one.client.encrypt(randomInput(one.plan.spec, 1)));
    let error: unknown;
    const calls = await sealCalls(() => {
      error = errorOf(() => one.server.evaluate(upload));
    });
    expect(error).toMatchObject({ code, details: { where } });
    expect(calls).toEqual([]);
  });

  it('the same watch sees an honest upload reach SEAL', async () => {
    const upload = one.client.encrypt(randomInput(one.plan.spec, 1));
    const calls = await sealCalls(() => one.server.evaluate(upload));
    expect(calls).toContain('Ciphertext.loadFromArray');
  });

  it('of another plan with other sizes are refused as that', () => {
    const upload = other.client.encrypt(randomInput(other.plan.spec, 1));
    expect(errorOf(() => one.server.evaluate(upload))).toMatchObject({ code: 'wrong-plan' });
  });

  it('mutated anywhere are refused or computed with, never more', async () => {
    const honest = one.client.encrypt(randomInput(one.plan.spec, 2));
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(honest.length - 1), fc.integer({ min: 1, max: 255 })), {
          minLength: 1,
          maxLength: 4,
        }),
        async (flips) => {
          const bytes = honest.slice();
          for (const [at, mask] of flips) bytes[at]! ^= mask;
          let error: unknown = null;
          const calls = await sealCalls(() => {
            try {
              expect(one.server.evaluate(bytes).length).toBe(one.server.responseBytes);
            } catch (caught) {
              error = caught;
            }
          });
          if (error === null) return;
          expect(error).toBeInstanceOf(CipherconvError);
          expect((error as CipherconvError).code).toMatch(
            /^(malformed-message|malformed-tensor|wrong-plan)$/,
          );
          expect(calls).toEqual([]);
        },
      ),
      { numRuns: runs(200) },
    );
  });
});

/** SEAL's 16-byte header: magic, header size, version 4.1, compression, reserved, size as a u64. */
function sealHeader(compression: 'none' | 'zlib' | 'zstd', size: bigint): Uint8Array {
  const bytes = Uint8Array.from([0x5e, 0xa1, 16, 4, 1, { none: 0, zlib: 1, zstd: 2 }[compression], 0, 0]);
  const whole = new Uint8Array(16);
  whole.set(bytes);
  new DataView(whole.buffer).setBigUint64(8, size, true);
  return whole;
}

/** A ciphertext member list of SEAL: parms_id, NTT flag, size, N, primes, scale, correction factor. */
function sealCiphertext(size: bigint, compression: 'none' | 'zlib' | 'zstd' = 'none'): Uint8Array {
  const bytes = new Uint8Array(1500);
  bytes.set(sealHeader(compression, 1500n));
  new DataView(bytes.buffer).setBigUint64(49, size, true);
  return bytes;
}

/** What node-seal takes, hangs on or explodes with when it is given to it. */
const FOR_SEAL: [string, () => Uint8Array][] = [
  ['a zlib bomb', () => sealCiphertext(2n, 'zlib')],
  ['a zstd bomb', () => sealCiphertext(2n, 'zstd')],
  ['a header that claims 2^31 - 1 bytes', () => sealHeader('zstd', 2n ** 31n - 1n)],
  ['a header that claims 2^63 bytes', () => sealHeader('none', 2n ** 63n)],
  ['a ciphertext of size 0', () => sealCiphertext(0n)],
  ['a seeded ciphertext of size 16', () => sealCiphertext(16n)],
  ['an honest envelope with trailing bytes', () => sealCiphertext(2n)],
];

describe('what is dangerous to SEAL', () => {
  it.each(FOR_SEAL)('%s, as a message: refused by its magic', async (_, make) => {
    let error: unknown;
    const calls = await sealCalls(() => {
      error = errorOf(() => one.server.evaluate(Uint8Array.from([...make(), ...new Uint8Array(40)])));
    });
    expect(error).toMatchObject({ code: 'malformed-message', details: { where: 'magic' } });
    expect(calls).toEqual([]);
  });

  it.each(FOR_SEAL)('%s, where the coefficients belong: nothing but numbers', (_, make) => {
    const upload = one.client.encrypt(randomInput(one.plan.spec, 1));
    const body = upload.subarray(HEADER);
    body.set(make().subarray(0, body.length));
    // Refused as a coefficient that is too large, or computed with as the coefficients that it happens to be.
    try {
      expect(one.server.evaluate(upload).length).toBe(one.server.responseBytes);
    } catch (error) {
      expect(error).toMatchObject({ code: 'malformed-tensor' });
    }
  });

  it('a transparent ciphertext cannot be written where c1 comes from a seed', () => {
    const upload = one.client.encrypt(randomInput(one.plan.spec, 1)).fill(0, HEADER);
    const response = one.server.evaluate(upload);
    expect(response.length).toBe(one.server.responseBytes);
    expect(response.subarray(HEADER).some((byte) => byte !== 0)).toBe(true);
  });
});

it('a transparent ciphertext where c1 travels whole is computed with by the direct kernel, without SEAL', async () => {
  const whole = await makePair(compileSpec(smallSpec(), { kernel: 'direct', upload: 'whole' }));
  try {
    const upload = whole.client.encrypt(randomInput(whole.plan.spec, 1)).fill(0, HEADER);
    const calls = await sealCalls(() => {
      expect(whole.server.evaluate(upload).length).toBe(whole.server.responseBytes);
    });
    expect(calls).toEqual([]);
  } finally {
    whole.client.dispose();
    whole.server.dispose();
  }
});

describe('evaluation keys', () => {
  const keyFault = (where: string): string => where.replace('upload[0]', 'evaluationKeys[0]');

  it.each(FAULTS.filter(([name]) => name !== 'nonzero filling bits'))(
    '%s: never loaded',
    async (_, change, code, where) => {
      const keys = change(rotating.client.evaluationKeys());
      const upload = rotating.client.encrypt(randomInput(rotating.plan.spec, 1));
      let error: unknown;
      const calls = await sealCalls(() => {
        error = errorOf(() => rotating.server.evaluate(upload, keys));
      });
      expect(error).toMatchObject({ code, details: { where: keyFault(where) } });
      expect(calls.filter((call) => call.startsWith('GaloisKeys.'))).toEqual([]);
    },
  );

  it('missing keys are asked for', () => {
    const upload = rotating.client.encrypt(randomInput(rotating.plan.spec, 1));
    expect(errorOf(() => rotating.server.evaluate(upload))).toMatchObject({ code: 'usage' });
  });

  it('for a plan that needs none are a mere header, and anything more is refused', () => {
    const keys = one.client.evaluationKeys();
    expect(keys.length).toBe(HEADER);
    one.server.checkEvaluationKeys(keys);
    expect(
      errorOf(() => {
        one.server.checkEvaluationKeys(extend(keys));
      }),
    ).toMatchObject({ code: 'malformed-message' });
  });
});

describe('responses', () => {
  const responseFault = (where: string): string => where.replace('upload[0]', 'results[0]');

  it.each(FAULTS.filter(([name]) => name !== 'nonzero filling bits'))(
    '%s: refused before SEAL',
    async (_, change, code, where) => {
      const upload = one.client.encrypt(randomInput(one.plan.spec, 1));
      const response = change(one.server.evaluate(upload));
      let error: unknown;
      const calls = await sealCalls(() => {
        error = errorOf(() => one.client.decrypt(response));
      });
      expect(error).toMatchObject({ code, details: { where: responseFault(where) } });
      expect(calls).toEqual([]);
    },
  );

  it('sent back as an upload are refused', () => {
    const response = one.server.evaluate(one.client.encrypt(randomInput(one.plan.spec, 1)));
    expect(errorOf(() => one.server.evaluate(response))).toMatchObject({ details: { where: 'kind' } });
  });
});
