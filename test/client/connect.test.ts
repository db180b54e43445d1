import { afterEach, describe, expect, it } from 'vitest';
import { compileSpec } from '../../compiler/lowerings/compile.ts';
import { liveSealObjects } from '../../runtime/seal/scope.ts';
import { connect } from '../../src/client/index.ts';
import { clientPlanOf, encodeClientPlan } from '../../src/frontend/clientPlan.ts';
import { digestsOf } from '../../src/frontend/planDigest.ts';
import type { PlanHint } from '../../src/frontend/planDigest.ts';
import { storedPlan } from '../../src/frontend/planFile.ts';
import { smallSpec } from '../runtime/handmadePlan.ts';
import { serving } from './faultyServer.ts';
import type { Fault, Serving } from './faultyServer.ts';

afterEach(() => {
  expect(liveSealObjects()).toBe(0);
});

const plan = compileSpec(smallSpec());

/** The client plan with the largest value of a picture taken out of the input's range. */
function narrowed(text: string): string {
  const file = JSON.parse(text) as { shape: { input: { range: { hi: number } } } };
  file.shape.input.range.hi -= 1;
  return JSON.stringify(file);
}

function withOwnDigest(text: string): string {
  const { commitment, hint, ...part } = JSON.parse(text) as {
    commitment: string;
    hint: PlanHint | null;
    digest?: string;
  };
  delete part.digest;
  return JSON.stringify({ ...part, commitment, hint, digest: digestsOf(part, commitment, hint).digest });
}

describe('connect', () => {
  const served = storedPlan(plan, 'NCHW');
  const other = storedPlan(compileSpec(smallSpec({ bits: 1 })), 'NCHW');
  const refusals: [string, (text: string) => string | Buffer, string][] = [
    ['another plan', () => encodeClientPlan(clientPlanOf(other)), 'wrong-plan'],
    ['the digest of another plan', (text) => text.replace(served.digest, other.digest), 'malformed-plan'],
    // A picture with the largest value would then not be sent: its absence tells.
    ['a narrower input under the digest asked for', narrowed, 'malformed-plan'],
    ['a narrower input under its own digest', (text) => withOwnDigest(narrowed(text)), 'wrong-plan'],
    ['something that is no plan', () => '{}', 'malformed-plan'],
    ['no JSON', () => '<html>', 'malformed-json'],
    [
      'a plan with an insecure q',
      (text) => text.replace(/"dataPrimes":\["\d+"\]/, '"dataPrimes":["1152921504606830593"]'),
      'plan-rejected',
    ],
    ['an endless plan', () => Buffer.alloc(2 ** 24 + 1, 0x20), 'server'],
  ];
  it.each(refusals)('refuses %s', async (_, change, code) => {
    const lie: Fault = (_seen, reply) => {
      const { server } = current!;
      reply.end(change(server.clientPlanText));
      return true;
    };
    let current: Serving | null = null;
    await serving(plan, lie, async (serving_) => {
      current = serving_;
      await expect(connect(serving_.url, serving_.digest)).rejects.toMatchObject({ code });
    });
  });

  it('follows no redirect, and refuses what is no address and no digest', async () => {
    const redirect: Fault = (_seen, reply) => {
      reply.writeHead(302, { location: 'http://127.0.0.1:9/' }).end();
      return true;
    };
    await serving(plan, redirect, async ({ url, digest, seen }) => {
      await expect(connect(url, digest, { attempts: 1 })).rejects.toMatchObject({ code: 'server' });
      expect(seen.length).toBe(1);
    });
    await expect(connect('ftp://x', served.digest)).rejects.toMatchObject({ code: 'usage' });
    await expect(connect('http://127.0.0.1:9', 'x'.repeat(64))).rejects.toMatchObject({ code: 'usage' });
    await expect(connect('http://127.0.0.1:9', served.digest, { attempts: 1 })).rejects.toMatchObject({
      code: 'server',
      status: null,
    });
  });
});
