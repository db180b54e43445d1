import { fc, runs } from '../support/properties.ts';
import { describe, expect, it } from 'vitest';
import { compileSpec } from '../../compiler/lowerings/compile.ts';
import { CipherconvError } from '../../compiler/base/errors.ts';
import type { Plan } from '../../compiler/lowerings/plan.ts';
import { messageForm } from '../../runtime/wire/lengths.ts';
import { MessageCheck } from '../../runtime/wire/messageCheck.ts';
import { loadPacking } from '../../runtime/wire/packer.ts';
import { handmadePlan, smallSpec } from '../runtime/handmadePlan.ts';
import { diagonals, square } from '../support/diagonals.ts';
import { withServices } from '../support/services.ts';
import { randomInput } from '../support/specs.ts';
import { clientView } from '../../compiler/lowerings/views.ts';

/** The refusal as data, null when there was none. */
function refusalOf(call: () => unknown): { code: string; where: string | undefined } | null {
  try {
    call();
    return null;
  } catch (error) {
    if (!(error instanceof CipherconvError)) throw error;
    return { code: error.code, where: error.details.where };
  }
}

const plans: Record<string, () => Plan> = {
  'one ciphertext': () => compileSpec(smallSpec()),
  'one ciphertext, uploaded whole': () => compileSpec(smallSpec(), { upload: 'whole', kernel: 'direct' }),
  'several ciphertexts': () =>
    handmadePlan(smallSpec({ batch: 3, channels: 4, outChannels: 3, height: 11, width: 7 }), {
      tile: { height: 4, width: 5 },
      channelsPerCiphertext: 2,
      blocksPerCiphertext: 2,
    }),
  'two data primes': () =>
    handmadePlan(
      smallSpec({ channels: 2, bits: 8 }),
      { degree: 4096, channelsPerCiphertext: 2 },
      [36, 36, 30],
    ),
  diagonals: () => diagonals(square(2, 0)),
  'diagonals without rotations': () => diagonals(square(1, 0)),
};

describe.each(Object.entries(plans))('the check without SEAL, %s', (_, make) => {
  it('says of every message what the evaluator says', async () => {
    const plan = make();
    const packing = await loadPacking();
    await withServices(plan, ({ client, server, stored }) => {
      const check = new MessageCheck(packing, messageForm(clientView(plan)), stored.digest);
      const honest = client.encrypt(randomInput(plan.spec, 3));
      const keys = client.evaluationKeys();
      check.upload(honest);
      check.keys(keys);
      const flip = fc.tuple(fc.nat(honest.length - 1), fc.integer({ min: 1, max: 255 }));
      const change = fc.oneof(
        fc.array(flip, { minLength: 1, maxLength: 3 }).map((flips) => (bytes: Uint8Array) => {
          for (const [at, mask] of flips) bytes[at]! ^= mask;
          return bytes;
        }),
        fc.nat(honest.length).map((length) => (bytes: Uint8Array) => bytes.slice(0, length)),
      );
      fc.assert(
        fc.property(change, (apply) => {
          const bytes = apply(honest.slice());
          const expected = refusalOf(() => server.evaluate(bytes, keys));
          expect(
            refusalOf(() => {
              check.upload(bytes);
            }),
          ).toEqual(expected);
        }),
        { numRuns: runs(60) },
      );
      for (const at of [0, 5, 6, 20, 40, keys.length - 70, keys.length - 1].filter((i) => i < keys.length)) {
        const bytes = keys.slice().fill(0xff, at, at + 9);
        const expected = refusalOf(() => {
          server.checkEvaluationKeys(bytes);
        });
        expect(
          refusalOf(() => {
            check.keys(bytes);
          }),
        ).toEqual(expected);
      }
    });
  });
});
