import { describe, expect, it } from 'vitest';
import type { Plan } from '../../compiler/lowerings/plan.ts';
import { clientView } from '../../compiler/lowerings/views.ts';
import { compileSpec } from '../../compiler/lowerings/compile.ts';
import { buildToeplitz } from '../../compiler/toeplitz/program.ts';
import { messageLengths } from '../../runtime/wire/lengths.ts';
import { createPlanClient } from '../../src/client/index.ts';
import { cutUpload, divide, isPartOf, joinResponses, wholePiece } from '../../src/farm/pieces.ts';
import { clientPlanOf } from '../../src/frontend/clientPlan.ts';
import { storedPlan } from '../../src/frontend/planFile.ts';
import { createPartServer, createPlanServer } from '../../src/server/planServer.ts';
import { compileToeplitz } from '../support/compile.ts';
import { manyChannels, simpleSpec } from '../support/simple.ts';
import { randomInput } from '../support/specs.ts';

/** The response of the whole, and the one put together from pieces. */
async function evaluateBoth(
  plan: Plan,
  split: number,
): Promise<{ whole: Uint8Array; joined: Uint8Array; kinds: string[] }> {
  const stored = storedPlan(plan, 'NCHW');
  const lengths = messageLengths(clientView(plan));
  const { digest } = stored;
  const pieces = divide(plan, lengths, split);
  using client = await createPlanClient(clientPlanOf(stored));
  using server = await createPlanServer(stored);
  const upload = client.encrypt(randomInput(plan.spec, 3));
  const responses: Uint8Array[] = [];
  for (const piece of pieces) {
    const own = cutUpload(upload, { digest, lengths }, piece);
    if (piece.part === null) responses.push(server.evaluate(own));
    else {
      using part = await createPartServer(stored, piece.part, {});
      responses.push(part.evaluate(own));
    }
  }
  return {
    whole: server.evaluate(upload),
    joined: joinResponses(responses, { digest, lengths, pieces }),
    kinds: [...new Set(pieces.map(({ part }) => part?.kind ?? 'all'))],
  };
}

const batchOfFour = simpleSpec({ input: { batch: 4, height: 40, width: 40 } });

describe('a plan cut into pieces', () => {
  it.each([
    ['rows', compileToeplitz(manyChannels), 3],
    ['rows', compileToeplitz(manyChannels, { kernel: 'ntt' }), 2],
    ['groups', compileToeplitz(batchOfFour), 2],
    ['groups', compileToeplitz(batchOfFour, { kernel: 'ntt' }), 3],
    ['all', compileToeplitz(simpleSpec()), 4],
  ] as const)('by %s, evaluated apart and put together, is the whole', async (kind, plan, split) => {
    const { whole, joined, kinds } = await evaluateBoth(plan, split);
    expect(kinds).toEqual([kind]);
    expect(Buffer.from(joined).equals(Buffer.from(whole))).toBe(true);
  });

  it('auto cuts what pays: 50 ms a piece by the cost model, at most 16', () => {
    const plan = compileToeplitz(manyChannels);
    const lengths = messageLengths(clientView(plan));
    const priced = (estimatedMilliseconds: number): Plan => ({
      ...plan,
      report: { ...plan.report, estimatedMilliseconds },
    });
    const pieces = (milliseconds: number): number => divide(priced(milliseconds), lengths, 'auto').length;
    expect([99, 100, 249, 250].map(pieces)).toEqual([1, 2, 4, 5]);
    expect(divide(priced(1e6), lengths, 'auto').length).toBeLessThanOrEqual(16);
    expect(divide(priced(1e6), lengths, 'off')).toEqual([wholePiece(lengths)]);
  });

  it('rotations stay together', () => {
    const plan = compileSpec(simpleSpec(), { lowering: 'diagonals' });
    const lengths = messageLengths(clientView(plan));
    expect(() => divide(plan, lengths, 2)).toThrow(/rotations/);
    expect(divide(plan, lengths, 'auto')).toEqual([wholePiece(lengths)]);
  });

  it('knows its parts', () => {
    const program = buildToeplitz(compileToeplitz(manyChannels));
    const rows = program.rows.filter((terms) => terms.length > 0).length;
    expect(isPartOf(program, { kind: 'rows', first: 0, count: rows })).toBe(true);
    expect(isPartOf(program, { kind: 'rows', first: 1, count: rows })).toBe(false);
    expect(isPartOf(program, { kind: 'groups', first: program.blockGroups.length, count: 1 })).toBe(false);
  });
});
