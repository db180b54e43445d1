import { afterEach, describe, expect, it } from 'vitest';
import { compileSpec } from '../../compiler/lowerings/compile.ts';
import { convolve } from '../../runtime/clear/loops.ts';
import { liveSealObjects } from '../../runtime/seal/scope.ts';
import { connectPlan } from '../../src/client/index.ts';
import type { InferStep, RemotePlan } from '../../src/client/index.ts';
import { smallSpec } from '../runtime/handmadePlan.ts';
import { diagonals, square } from '../support/diagonals.ts';
import { randomInput } from '../support/specs.ts';
import { connected, serving } from './faultyServer.ts';
import type { Fault, Seen } from './faultyServer.ts';

afterEach(() => {
  expect(liveSealObjects()).toBe(0);
});

const honest: Fault = () => false;
const plan = compileSpec(smallSpec());
const input = randomInput(plan.spec, 1);
const expected = convolve(plan.spec, input);
const isEvaluation = ({ path }: Seen): boolean => path.endsWith('/evaluate');

describe('a remote plan', () => {
  it('ends with `using`; it refuses to infer after that, asks nobody, and disposing twice is nothing', async () => {
    await serving(plan, honest, async ({ url, digest, seen }) => {
      let kept: RemotePlan;
      {
        using remote = await connectPlan(url, digest);
        kept = remote;
        expect(await remote.infer(input)).toEqual(expected);
      }
      const asked = seen.length;
      const error = await kept.infer(input).then(
        () => null,
        (reason: unknown) => reason,
      );
      expect(error).toMatchObject({ code: 'usage' });
      expect(seen.length).toBe(asked);
      kept.dispose();
    });
  });
});

describe('infer', () => {
  it('fetches the plan, sends one upload, gives the convolution', async () => {
    await serving(plan, honest, async (served) => {
      await connected(served, async (remote) => {
        expect(await remote.infer(input)).toEqual(expected);
        expect(served.seen.map(({ method, type }) => [method, type])).toEqual([
          ['GET', undefined],
          ['POST', 'application/octet-stream'],
        ]);
        expect(served.seen[1]!.body.length).toBe(served.server.uploadBytes);
      });
    });
  });

  it('tells of every step and its bytes, of keys only when it sent them', async () => {
    const rotating = diagonals(square(3, 1));
    await serving(rotating, honest, async (served) => {
      await connected(served, async (remote) => {
        const steps = async (): Promise<(readonly [string, number])[]> => {
          const told: (readonly [string, number])[] = [];
          const onStep = ({ kind, bytes }: InferStep): unknown => told.push([kind, bytes.length]);
          await remote.infer(randomInput(rotating.spec, 3), { onStep });
          return told;
        };
        const { uploadBytes, evaluationKeyBytes, responseBytes } = remote.client;
        const sent = ['keys-sent', evaluationKeyBytes] as const;
        const around = [['encrypted', uploadBytes] as const, ['answered', responseBytes] as const] as const;
        expect(await steps()).toEqual([around[0], sent, around[1]]);
        expect(await steps()).toEqual(around);
      });
    });
  });

  it('measures the noise budget where somebody wants to know it', async () => {
    await serving(plan, honest, async (served) => {
      await connected(served, async (remote) => {
        const told: (number | null)[] = [];
        await remote.infer(input, { onNoiseBudget: (bits) => told.push(bits) });
        expect(told).toEqual([expect.any(Number)]);
        expect(told[0]).toBeGreaterThanOrEqual(Math.floor(plan.noise.predictedBudgetBits));
        expect(served.seen.map(({ method }) => method)).toEqual(['GET', 'POST']);
      });
    });
  });

  it('uploads evaluation keys once, and again once when the server has dropped them', async () => {
    const rotating = diagonals(square(3, 1));
    const picture = randomInput(rotating.spec, 2);
    let dropped = 0;
    const drop: Fault = (seen, reply) => {
      if (!isEvaluation(seen) || dropped !== 1) return false;
      dropped++;
      const type = 'urn:cipherconv:problem:unknown-evaluation-keys';
      reply.writeHead(404, { 'content-type': 'application/problem+json' }).end(JSON.stringify({ type }));
      return true;
    };
    await serving(rotating, drop, async (served) => {
      await connected(served, async (remote) => {
        const outputs = await Promise.all([remote.infer(picture), remote.infer(picture)]);
        for (const output of outputs) expect(output).toEqual(convolve(rotating.spec, picture));
        expect(served.seen.filter(({ method }) => method === 'PUT').length).toBe(1);
        dropped = 1;
        expect(await remote.infer(picture)).toEqual(convolve(rotating.spec, picture));
        const puts = served.seen.filter(({ method }) => method === 'PUT');
        expect(puts.length).toBe(2);
        expect(puts[1]!.body.equals(puts[0]!.body)).toBe(true);
      });
    });
  });

  it('does not upload keys for ever', async () => {
    const type = 'urn:cipherconv:problem:unknown-evaluation-keys';
    const never: Fault = (seen, reply) => {
      if (isEvaluation(seen)) reply.writeHead(410).end(JSON.stringify({ type }));
      return isEvaluation(seen);
    };
    const rotating = diagonals(square(2, 0));
    await serving(rotating, never, async (served) => {
      await connected(served, async (remote) => {
        await expect(remote.infer(randomInput(rotating.spec, 1))).rejects.toMatchObject({
          code: 'server',
          status: 410,
          problemType: type,
        });
        expect(served.seen.filter(({ method }) => method === 'PUT').length).toBe(2);
        expect(served.seen.filter(isEvaluation).length).toBe(2);
      });
    });
  });
});

describe('retries', () => {
  it.each([429, 503])('after a %i with Retry-After, with the same bytes', async (status) => {
    let refusals = 2;
    const busy: Fault = (seen, reply) => {
      if (!isEvaluation(seen) || refusals-- <= 0) return false;
      reply.writeHead(status, { 'retry-after': '0' }).end();
      return true;
    };
    await serving(plan, busy, async (served) => {
      await connected(served, async (remote) => {
        expect(await remote.infer(input)).toEqual(expected);
        const bodies = served.seen.filter(isEvaluation).map(({ body }) => body);
        expect(bodies.length).toBe(3);
        for (const body of bodies) expect(body.equals(bodies[0]!)).toBe(true);
      });
    });
  });

  it('after a connection that closed without an answer, with the same bytes', async () => {
    let refusals = 1;
    const gone: Fault = (seen, reply) => {
      if (!isEvaluation(seen) || refusals-- <= 0) return false;
      reply.destroy();
      return true;
    };
    await serving(plan, gone, async (served) => {
      await connected(served, async (remote) => {
        expect(await remote.infer(input)).toEqual(expected);
        const [first, second] = served.seen.filter(isEvaluation);
        expect(second!.body.equals(first!.body)).toBe(true);
      });
    });
  });

  it('no more often than allowed', async () => {
    const busy: Fault = (seen, reply) => {
      if (isEvaluation(seen)) reply.writeHead(503, { 'retry-after': '0' }).end();
      return isEvaluation(seen);
    };
    await serving(plan, busy, async (served) => {
      await connected(
        served,
        async (remote) => {
          await expect(remote.infer(input)).rejects.toMatchObject({ code: 'server', status: 503 });
          expect(served.seen.filter(isEvaluation).length).toBe(3);
        },
        { attempts: 3 },
      );
    });
  });

  it.each([
    ['503 without Retry-After', 503, {}],
    ['a wait longer than allowed', 503, { 'retry-after': '3600' }],
    ['400', 400, { 'retry-after': '0' }],
    ['413', 413, {}],
    ['500', 500, { 'retry-after': '0' }],
    ['504', 504, {}],
  ])('never after %s', async (_, status, headers) => {
    const refuse: Fault = (seen, reply) => {
      if (isEvaluation(seen)) {
        const problem = { type: 'urn:x', title: 'No', detail: 'be\u0007cause', field: 'upload[0]' };
        reply.writeHead(status, headers).end(JSON.stringify(problem));
      }
      return isEvaluation(seen);
    };
    await serving(plan, refuse, async (served) => {
      await connected(served, async (remote) => {
        await expect(remote.infer(input)).rejects.toMatchObject({
          code: 'server',
          status,
          problemType: 'urn:x',
          details: { found: 'No: upload[0]: be\\u{7}cause' },
        });
        expect(served.seen.filter(isEvaluation).length).toBe(1);
      });
    });
  });

  it('never after an answer that broke off, came too long, or decrypts to nothing; the server is not told', async () => {
    let fault = 0;
    const wrong: Fault = (seen, reply) => {
      if (!isEvaluation(seen)) return false;
      if (fault === 0) {
        reply.writeHead(200, { 'content-length': '1000' }).write('x');
        setTimeout(() => reply.destroy(), 20);
      } else if (fault === 1) reply.end(Buffer.alloc(1_000_000));
      else reply.end(Buffer.alloc(100));
      return true;
    };
    await serving(plan, wrong, async (served) => {
      await connected(served, async (remote) => {
        await expect(remote.infer(input)).rejects.toThrow('broke off');
        fault = 1;
        await expect(remote.infer(input)).rejects.toThrow('too long');
        fault = 2;
        await expect(remote.infer(input)).rejects.toMatchObject({ code: 'malformed-message' });
        expect(served.seen.length).toBe(4);
      });
    });
  });

  it('stops when the signal aborts, with its reason, also while it waits', async () => {
    const busy: Fault = (seen, reply) => {
      if (isEvaluation(seen)) reply.writeHead(503, { 'retry-after': '20' }).end();
      return isEvaluation(seen);
    };
    await serving(plan, busy, async (served) => {
      await connected(served, async (remote) => {
        await expect(remote.infer(input, { signal: AbortSignal.timeout(200) })).rejects.toMatchObject({
          name: 'TimeoutError',
        });
        await expect(remote.infer(input, { signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow(
          'enough',
        );
      });
    });
  });
});
