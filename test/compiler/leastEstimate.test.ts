import { describe, expect, it } from 'vitest';
import { finish } from '../../compiler/base/steps.ts';
import { CipherconvError } from '../../compiler/base/errors.ts';
import { diagonalsRequest } from '../../compiler/diagonals/compile.ts';
import { leastEstimate, searchDiagonals } from '../../compiler/diagonals/search.ts';
import type { ConvSpec } from '../../compiler/convolution/spec.ts';
import { compileDemand } from '../../compiler/lowering/assemble.ts';
import { planRequest } from '../../compiler/lowering/request.ts';
import { fc, runs } from '../support/properties.ts';
import { simpleSpec } from '../support/simple.ts';
import { arbitrarySpec } from '../support/specs.ts';

/** The least estimate and the best that the search finds, milliseconds; null where no degree carries one. */
function both(spec: ConvSpec): { least: number; best: number } | null {
  const request = diagonalsRequest(compileDemand(spec, planRequest({ lowering: 'diagonals' })));
  try {
    const { candidates } = finish(searchDiagonals(request));
    return {
      least: leastEstimate(request)!.milliseconds,
      best: candidates[0]!.estimate.milliseconds,
    };
  } catch (error) {
    if (error instanceof CipherconvError) return null;
    throw error;
  }
}

describe('the least that diagonals can take', () => {
  it('is never more than what the search finds', () => {
    fc.assert(
      fc.property(arbitrarySpec(8), (spec) => {
        const found = both(spec);
        // Where all weights are zero nothing is sent, and nothing is cheaper.
        fc.pre(found !== null && found.best > 0);
        expect(found.least).toBeLessThanOrEqual(found.best);
      }),
      { numRuns: runs(60) },
    );
  });

  it('counts the entries of a dense layer: every one needs a slot of a product', () => {
    const dense = (inputs: number, outputs: number): ConvSpec =>
      simpleSpec({
        input: { channels: inputs, height: 1, width: 1 },
        weights: {
          outChannels: outputs,
          channelsPerGroup: inputs,
          kernelHeight: 1,
          kernelWidth: 1,
          values: Array.from({ length: inputs * outputs }, (_, index) => 1 + (index % 3)),
        },
        pads: [0, 0, 0, 0],
      });
    const small = both(dense(64, 4))!;
    const large = both(dense(512, 128))!;
    expect(large.least).toBeLessThanOrEqual(large.best);
    // 65,536 entries take 8 products of 8,192 slots, the small one a single product.
    expect(large.least).toBeGreaterThan(1.5 * small.least);
  });
});
