import { fc, runs } from '../support/properties.ts';
import { afterEach, describe, expect, it } from 'vitest';
import { compileSpec } from '../../compiler/lowerings/compile.ts';
import { CipherconvError } from '../../compiler/base/errors.ts';
import type { Plan } from '../../compiler/lowerings/plan.ts';
import { checkClientView } from '../../compiler/lowerings/checkView.ts';
import { liveSealObjects } from '../../runtime/seal/scope.ts';
import { createPlanClient } from '../../src/client/index.ts';
import {
  clientPlanOf,
  encodeClientPlan,
  looksLikeClientPlan,
  parseClientPlan,
} from '../../src/frontend/clientPlan.ts';
import { commitmentOf, freshBlind } from '../../src/frontend/planDigest.ts';
import { storedPlan } from '../../src/frontend/planFile.ts';
import { LAYERS, layerSpec } from '../../src/bench/layers.ts';
import { simpleSpec } from '../support/simple.ts';
import { arbitrarySpec } from '../support/specs.ts';
import { clientView } from '../../compiler/lowerings/views.ts';
import { plan, stored, text, rotating, withDigest } from './clientPlanTexts.ts';

afterEach(() => {
  expect(liveSealObjects()).toBe(0);
});

function keysOf(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, child]) => [
    ...(Array.isArray(value) ? [] : [key]),
    ...keysOf(child),
  ]);
}

describe('a client plan file', () => {
  it('reads back as it was written, frozen, with the digest of the server plan', () => {
    for (const written of [text, rotating]) {
      const read = parseClientPlan(written, 'c.json');
      expect(encodeClientPlan(read)).toBe(written);
      expect(Object.isFrozen(read.view.parameters.dataPrimes)).toBe(true);
      expect(looksLikeClientPlan(JSON.parse(written))).toBe(true);
    }
    expect(parseClientPlan(text, 'c.json')).toEqual({
      view: clientView(plan),
      layout: 'NHWC',
      commitment: stored.commitment,
      hint: null,
      coreDigest: stored.digest,
      digest: stored.digest,
    });
  });

  it('confirms a guess of the filter by its digest only where no blind was taken', () => {
    const blinded = clientPlanOf(storedPlan(plan, 'NHWC', freshBlind()));
    const guess = compileSpec(simpleSpec({ bias: [-7] }));
    const serverPart = { ...guess, layout: 'NHWC' };
    const confirms = ({ commitment }: { commitment: string }): boolean =>
      [null, '0'.repeat(64), freshBlind()].some((blind) => commitmentOf(serverPart, blind) === commitment);
    expect(confirms(clientPlanOf(stored))).toBe(true);
    expect(confirms(blinded)).toBe(false);
    // What the client plan shows is the same but for these.
    const hidden = { commitment: '', coreDigest: '', digest: '' };
    expect({ ...blinded, ...hidden }).toEqual({ ...clientPlanOf(stored), ...hidden });
  });

  it('holds no weight, bias or matrix', () => {
    for (const written of [text, rotating]) {
      const keys = keysOf(JSON.parse(written));
      for (const secret of [
        'values',
        'bias',
        'blind',
        'zeroPoints',
        'spec',
        'analysis',
        'noise',
        'execution',
        'lanes',
        'request',
        'report',
      ])
        expect(keys).not.toContain(secret);
      expect(keys).toContain('digest');
    }
  });

  it('of every benchmark layer and of random convolutions can be followed', () => {
    for (const layer of LAYERS) checkClientView(clientView(compileSpec(layerSpec(layer))));
    fc.assert(
      fc.property(
        arbitrarySpec(6),
        fc.constantFrom('toeplitz' as const, 'diagonals' as const),
        (spec, lowering) => {
          let compiled: Plan;
          try {
            compiled = compileSpec(spec, { lowering });
          } catch (error) {
            if (error instanceof CipherconvError && /beyond-bfv|unsupported/.test(error.code)) return;
            throw error;
          }
          checkClientView(clientView(compiled));
        },
      ),
      { numRuns: runs(25) },
    );
  });
});

it('a plan with a mutated number is refused, or a client of it encrypts', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(text, rotating),
      fc.nat(1000),
      fc.oneof(fc.integer({ min: -3, max: 300 }), fc.integer({ min: 0, max: 2 ** 31 })),
      async (base, at, value) => {
        // Behind the commitment and the digest, which is made anew.
        const numbers = [...base.matchAll(/-?\d+/g)].filter(
          (match) => match.index > base.indexOf('"format"'),
        );
        const { index, 0: digits } = numbers[at % numbers.length]!;
        const mutated = base.slice(0, index) + String(value) + base.slice(index + digits.length);
        let read;
        try {
          read = parseClientPlan(withDigest(mutated), 'c.json');
        } catch (error) {
          expect(error).toBeInstanceOf(CipherconvError);
          expect((error as CipherconvError).code).not.toBe('internal');
          return;
        }
        const client = await createPlanClient(read);
        try {
          const { zeroPoint, range } = read.view.shape.input;
          const size = client.inputShape.reduce((product, extent) => product * extent, 1);
          const fill = Math.min(range.hi, Math.max(range.lo, zeroPoint));
          const upload = client.encrypt({
            shape: client.inputShape,
            data: new Float64Array(size).fill(fill),
          });
          expect(upload.length).toBe(client.uploadBytes);
        } finally {
          client.dispose();
        }
      },
    ),
    { numRuns: runs(60) },
  );
});
