/** What a prepared plan takes: every WebAssembly memory that is made for it is counted, and goes with it. */
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { clientView } from '../../compiler/lowerings/views.ts';
import { nttPrimes } from '../../compiler/rings/primes.ts';
import { buildToeplitz } from '../../compiler/toeplitz/program.ts';
import { createClient } from '../../runtime/client/client.ts';
import { createEvaluator } from '../../runtime/evaluator/evaluator.ts';
import { transformRoom } from '../../runtime/evaluator/transformRoom.ts';
import type * as Wasm from '../../runtime/wasm.ts';
import { storedPlan } from '../../src/frontend/planFile.ts';
import { encodeMessage } from '../../runtime/wire/message.ts';
import { createEngine } from '../../src/server/workers/engine.ts';
import { collectGarbage } from '../../src/server/workers/memory.ts';
import { compileToeplitz } from '../support/compile.ts';
import { diagonals } from '../support/diagonals.ts';
import { manyChannels, simpleSpec } from '../support/simple.ts';
import { randomInput } from '../support/specs.ts';

const memories = vi.hoisted(() => ({ made: [] as WeakRef<ArrayBuffer>[], bytes: 0 }));

vi.mock(import('../../runtime/wasm.ts'), async (importOriginal) => {
  const actual: typeof Wasm = await importOriginal();
  return {
    ...actual,
    makeMemory: (bytes) => {
      const memory = actual.makeMemory(bytes);
      memories.made.push(new WeakRef(memory.buffer));
      memories.bytes += memory.buffer.byteLength;
      return memory;
    },
  };
});

beforeEach(() => {
  memories.made = [];
  memories.bytes = 0;
});

/** Until a turn ends, whatever was looked at in it stays. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** Bytes of memories that are not given back. */
async function heldBytes(): Promise<number> {
  await turn();
  collectGarbage();
  return memories.made.reduce((sum, memory) => sum + (memory.deref()?.byteLength ?? 0), 0);
}

const ntt = compileToeplitz(manyChannels, { kernel: 'ntt', degree: 2048, protocol: 'standard' });
const numbers = buildToeplitz(ntt).plaintexts.reduce((sum, { values }) => sum + 2 * values.byteLength, 0);

describe('what a plan takes that is prepared', () => {
  it('is all of its memories, and its program where weights are transformed at each use', async () => {
    for (const [options, program] of [
      [{}, 0],
      [{ weightMemoryBytes: 0 }, numbers],
    ] as const) {
      memories.bytes = 0;
      using evaluator = await createEvaluator(ntt, options);
      expect(memories.bytes).toBeGreaterThan(2 ** 18);
      expect(evaluator.preparedBytes).toBeGreaterThan(memories.bytes + program);
      expect(evaluator.preparedBytes).toBeLessThan(2 * (memories.bytes + program) + 2 ** 20);
    }
    memories.bytes = 0;
    using direct = await createEvaluator(compileToeplitz(manyChannels, { kernel: 'direct', degree: 2048 }));
    expect(direct.preparedBytes).toBeGreaterThan(memories.bytes);
  });

  it.each([
    ['ntt', ntt],
    ["SEAL's ntt", compileToeplitz(manyChannels, { engine: 'seal', kernel: 'ntt', degree: 2048 })],
    ['diagonals', diagonals(simpleSpec())],
  ] as const)(
    'keeps its weights where all of it has room, and not where a byte is missing: %s',
    async (_, plan) => {
      using roomy = await createEvaluator(plan);
      expect(roomy.weights.kind).toBe('resident');
      const { preparedBytes } = roomy;
      using exact = await createEvaluator(plan, { preparedMemoryBytes: preparedBytes });
      expect(exact.weights.kind).toBe('resident');
      using tight = await createEvaluator(plan, { preparedMemoryBytes: preparedBytes - 1 });
      expect(tight.weights.kind).toBe('on-the-fly');
      expect(tight.preparedBytes).toBeLessThan(preparedBytes);
    },
  );

  it('goes when the evaluator is disposed of, whoever still holds it', async () => {
    for (const kernel of ['ntt', 'direct'] as const) {
      const evaluator = await createEvaluator(compileToeplitz(manyChannels, { kernel, degree: 2048 }));
      expect(await heldBytes()).toBeGreaterThan(2 ** 17);
      evaluator.dispose();
      expect(await heldBytes()).toBe(0);
      expect(() => evaluator.evaluate([])).toThrow('used after dispose');
    }
  });
});

it('a worker holds one plan at a time of those that found no room to stay', async () => {
  const { weights } = manyChannels;
  const plans = [1, 2, 3].map((first) => {
    const values = weights.values.map((value, index) => (index === 0 ? first : value));
    const spec = simpleSpec({ ...manyChannels, weights: { ...weights, values } });
    return storedPlan(compileToeplitz(spec, { kernel: 'ntt', degree: 2048, protocol: 'standard' }), 'NCHW');
  });
  using least = await createEvaluator(plans[0]!.plan, { weightMemoryBytes: 0 });
  // The first one stays in three eighths of that, the others have a quarter in turns.
  const memory = Math.ceil(least.preparedBytes * 4.1);
  const jobs = await Promise.all(
    plans.map(async ({ plan, digest }) => {
      using client = await createClient(clientView(plan));
      return { digest, message: encodeMessage('upload', digest, client.encrypt(randomInput(plan.spec, 1))) };
    }),
  );
  memories.made = [];
  const lines = plans.map((stored) => `${JSON.stringify(stored)}\n`).join('');
  const engine = await createEngine(new TextEncoder().encode(lines), memory);
  const staying = await heldBytes();
  const held: number[] = [];
  for (const { digest, message } of [...jobs, ...jobs]) {
    await turn();
    await engine.evaluate({ digest, part: null }, message, null);
    // Nothing is collected here: what the engine has not given back by itself counts.
    held.push(memories.made.reduce((sum, each) => sum + (each.deref()?.byteLength ?? 0), 0));
  }
  const guest = Math.max(...held) - staying;
  expect(guest).toBeGreaterThan(2 ** 17);
  expect(guest).toBeLessThan(least.preparedBytes);
});

describe('the memory that weights may have', () => {
  const [prime] = nttPrimes(8192, 30, 1);
  const shape = { degree: 8192, primes: [prime!], rowL1: 100, largest: 100 };
  /** 1.5 GiB of weights. */
  const sizes = { polynomials: 3 * 2 ** 14, inputs: 10, groups: 4, otherBytes: 0 };

  it('is what is asked for, up to what one WebAssembly memory can hold', () => {
    const roomFor = (weightMemoryBytes: number) => transformRoom(shape, sizes, { weightMemoryBytes });
    expect(transformRoom(shape, sizes, {}).weights.kind).toBe('on-the-fly');
    expect(roomFor(3 * 2 ** 29).weights).toMatchObject({ kind: 'resident', bytes: 3 * 2 ** 29 });
    expect(roomFor(3 * 2 ** 29 - 1).weights.kind).toBe('on-the-fly');
    const larger = { ...sizes, polynomials: 2 ** 17 };
    expect(transformRoom(shape, larger, { weightMemoryBytes: 2 ** 40 }).weights.kind).toBe('on-the-fly');
  });
});
