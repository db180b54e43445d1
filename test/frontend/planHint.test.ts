import { describe, expect, it } from 'vitest';
import { clientPlanOf, encodeClientPlan, parseClientPlan } from '../../src/frontend/clientPlan.ts';
import { describeHint, freshBlind, publicSeedOf } from '../../src/frontend/planDigest.ts';
import { completePlan, encodePlan, parsePlan, planCore, storedPlan } from '../../src/frontend/planFile.ts';
import { compileToeplitz } from '../support/compile.ts';
import { simpleSpec } from '../support/simple.ts';
import { refusal } from './fixtures.ts';

const plan = compileToeplitz(simpleSpec({ bias: [-7] }), { protocol: 'hint' });
const core = planCore(plan, 'NCHW');
const [prime] = plan.parameters.dataPrimes;
const bytes = (plan.parameters.degree * BigInt(prime!).toString(2).length) / 8;
const hint = describeHint(new Uint8Array(bytes).fill(7));
const stored = completePlan(core, hint);
const text = encodePlan(stored);
const clientText = encodeClientPlan(clientPlanOf(stored));

/** The file with its entry `hint` replaced. */
function withHint(file: string, entry: unknown): string {
  return JSON.stringify({ ...(JSON.parse(file) as object), hint: entry });
}

describe('what a plan says of its hint', () => {
  it('is read back by server and client, who agree on both digests', () => {
    const [server, client] = [parsePlan(text, 'p.json'), parseClientPlan(clientText, 'c.json')];
    expect(server.hint).toEqual(hint);
    expect(client.hint).toEqual(hint);
    for (const read of [server, client]) {
      expect(read.digest).toBe(stored.digest);
      expect(read.coreDigest).toBe(core.coreDigest);
    }
    expect(stored.digest).not.toBe(core.coreDigest);
  });

  it('changes the digest and not the public polynomials, which a blind renews', () => {
    const other = completePlan(core, describeHint(new Uint8Array(bytes)));
    expect(other.digest).not.toBe(stored.digest);
    expect(publicSeedOf(other)).toEqual(publicSeedOf(stored));
    expect(publicSeedOf(stored)).toHaveLength(32);
    expect(publicSeedOf(planCore(plan, 'NCHW', freshBlind()))).not.toEqual(publicSeedOf(stored));
    // SHA-256("cipherconv hint a 1" || core digest), by hand.
    expect(Buffer.from(publicSeedOf({ coreDigest: '00'.repeat(32) })).toString('hex')).toBe(
      'ef20176e4ecb2f37192e77b08e46537a61dcb921dc73a025da15393cbc6459de',
    );
  });

  it('is empty where no output depends on the input: nothing is computed, and the plan is read back', () => {
    const zero = compileToeplitz(simpleSpec({ weights: { values: new Array<number>(9).fill(0) } }), {
      protocol: 'hint',
    });
    const made = completePlan(planCore(zero, 'NCHW'), describeHint(new Uint8Array(0)));
    expect(parsePlan(encodePlan(made), 'p.json').digest).toBe(made.digest);
    const client = encodeClientPlan(clientPlanOf(made));
    expect(parseClientPlan(client, 'c.json').hint?.bytes).toBe(0);
  });

  it('is refused where it was changed', () => {
    const other = { ...hint, sha256: '0'.repeat(64) };
    refusal(() => parsePlan(withHint(text, other), 'p.json'), 'malformed-plan', 'its digest is wrong');
    refusal(
      () => parseClientPlan(withHint(clientText, other), 'c.json'),
      'malformed-plan',
      'digest is wrong',
    );
  });

  it.each([
    ['another size', { ...hint, bytes: bytes + 1 }],
    ['none', null],
  ])('is refused with %s', (_, entry) => {
    const code = 'plan-rejected';
    refusal(() => parsePlan(withHint(text, entry), 'p.json'), code, "not the size of this plan's hint");
    refusal(
      () => parseClientPlan(withHint(clientText, entry), 'c.json'),
      code,
      "not the size of this plan's hint",
    );
    refusal(() => completePlan(core, entry), 'usage', "not the size of this plan's hint");
  });

  it('is refused in a plan of the standard protocol, and needed for the digest of one with hints', () => {
    const standard = encodePlan(storedPlan(compileToeplitz(simpleSpec()), 'NCHW'));
    refusal(() => parsePlan(withHint(standard, hint), 'p.json'), 'plan-rejected', 'none: uploads have a c1');
    refusal(() => storedPlan(plan, 'NCHW'), 'usage', `${bytes} bytes`);
  });
});
