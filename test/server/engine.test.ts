/** What a worker keeps prepared of many plans, within its memory. */
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ConvSpec } from '../../compiler/convolution/spec.ts';
import { createPlanClient, parseClientPlan } from '../../src/client/index.ts';
import { storedPlan } from '../../src/frontend/planFile.ts';
import type { StoredPlan } from '../../src/frontend/planFile.ts';
import { createPlanServer } from '../../src/server/planServer.ts';
import { createEngine } from '../../src/server/workers/engine.ts';
import { compileToeplitz } from '../support/compile.ts';
import { manyChannels, simpleSpec } from '../support/simple.ts';
import { randomInput } from '../support/specs.ts';

vi.mock('../../src/server/planServer.ts', { spy: true });

interface Case {
  readonly stored: StoredPlan;
  readonly upload: Uint8Array;
  readonly response: Uint8Array;
  readonly bytes: number;
}

/** The smallest plan first. */
let direct: Case[];
let ntt: Case;

async function caseOf(kernel: 'direct' | 'ntt', spec: ConvSpec): Promise<Case> {
  const stored = storedPlan(compileToeplitz(spec, { kernel, protocol: 'standard' }), 'NCHW');
  using server = await createPlanServer(stored);
  using client = await createPlanClient(parseClientPlan(server.clientPlanText, 'here'));
  const upload = client.encrypt(randomInput(spec, 7));
  return { stored, upload, response: server.evaluate(upload), bytes: server.preparedBytes };
}

beforeAll(async () => {
  direct = [];
  for (const first of [1, 2, 3]) {
    const weights = { values: [first, 2, 1, 2, 3, 2, 1, 2, 1], bits: 4 };
    direct.push(await caseOf('direct', simpleSpec({ name: `direct ${first}`, weights })));
  }
  // Of many polynomials: one has room in any case.
  ntt = await caseOf('ntt', manyChannels);
});

beforeEach(() => {
  vi.mocked(createPlanServer).mockClear();
});

const prepared = (): number => vi.mocked(createPlanServer).mock.calls.length;
const linesOf = (cases: readonly Case[]): Uint8Array =>
  new TextEncoder().encode(cases.map(({ stored }) => `${JSON.stringify(stored)}\n`).join(''));

/** The memory of a worker in which so much may be prepared. */
const memoryFor = (bytes: number): number => Math.ceil((bytes * 8) / 3) + 8;

async function expectRight(
  engine: Awaited<ReturnType<typeof createEngine>>,
  { stored, upload, response }: Case,
): Promise<void> {
  expect(await engine.evaluate({ digest: stored.digest, part: null }, upload, null)).toEqual(response);
}

describe('plans of a worker', () => {
  it('stay prepared where all fit', async () => {
    const all = direct.reduce((sum, { bytes }) => sum + bytes, 0);
    expect(Math.min(...direct.map(({ bytes }) => bytes))).toBeGreaterThan(1000);
    const engine = await createEngine(linesOf(direct), memoryFor(all));
    for (const each of [...direct, ...direct]) await expectRight(engine, each);
    expect(prepared()).toBe(3);
  });

  it('are prepared when they are asked for where they find no room, the last of them kept', async () => {
    const [least] = direct;
    // Two of the three do not fit beside the first.
    const engine = await createEngine(linesOf(direct), memoryFor(least!.bytes * 1.6));
    expect(prepared()).toBe(3);
    const guests: Case[] = [];
    for (const each of direct) {
      const before = prepared();
      await expectRight(engine, each);
      if (prepared() > before) guests.push(each);
    }
    expect(guests).toHaveLength(2);
    await expectRight(engine, guests[1]!);
    expect(prepared()).toBe(5);
    await expectRight(engine, guests[0]!);
    expect(prepared()).toBe(6);
  });

  it('are refused where one alone takes too much, with the memory that is needed', async () => {
    const memory = Math.floor(direct[0]!.bytes * 2);
    const refused = createEngine(linesOf(direct), memory);
    await expect(refused).rejects.toMatchObject({
      code: 'usage',
      details: { where: expect.stringMatching(/^direct \d \(/) as string },
    });
    await expect(refused).rejects.toThrow('--memory');
  });

  it('make weights at each use where these find no room', async () => {
    const engine = await createEngine(linesOf([ntt]), memoryFor(ntt.bytes - 100));
    // Once: two of them would be in memory together.
    expect(prepared()).toBe(1);
    await expectRight(engine, ntt);
    expect(prepared()).toBe(1);
    const roomy = await createEngine(linesOf([ntt]), memoryFor(ntt.bytes));
    await expectRight(roomy, ntt);
  });
});
