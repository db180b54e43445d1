import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { fc, runs } from '../support/properties.ts';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { compileSpec } from '../../compiler/lowerings/compile.ts';
import { buildProgram } from '../../compiler/lowerings/program.ts';
import { simulate } from '../../compiler/lowerings/simulate.ts';
import { createClient } from '../../runtime/client/client.ts';
import { convolve } from '../../runtime/clear/loops.ts';
import { DirectEvaluator } from '../../runtime/evaluator/direct/evaluator.ts';
import { createEvaluator } from '../../runtime/evaluator/evaluator.ts';
import { loadDirect } from '../../runtime/evaluator/direct/module.ts';
import type { WasmMemory } from '../../runtime/wasm.ts';
import { liveSealObjects } from '../../runtime/seal/scope.ts';
import { loadPacking } from '../../runtime/wire/packer.ts';
import { LAYERS, layerSpec } from '../../src/bench/layers.ts';
import { lanesOf, runAll, withDirect, withPrimes } from '../support/kernels.ts';
import { simpleSpec } from '../support/simple.ts';
import { arbitrarySpec, randomInput } from '../support/specs.ts';
import type { ToeplitzPlan } from '../../compiler/toeplitz/plan.ts';
import { clientView } from '../../compiler/lowerings/views.ts';

afterEach(() => {
  expect(liveSealObjects()).toBe(0);
});

/** Same upload, same response bytes; and the result is the convolution. */
async function expectSame(plan: ToeplitzPlan, seed: number): Promise<void> {
  const input = randomInput(plan.spec, seed);
  const { seal, ntt, direct, output } = await runAll(plan, input);
  expect(direct.length).toBe(plan.counts.outputCiphertexts);
  seal.forEach((bytes, index) => {
    expect(Buffer.compare(bytes, direct[index]!)).toBe(0);
    expect(Buffer.compare(bytes, ntt[index]!)).toBe(0);
  });
  expect(output).toEqual(convolve(plan.spec, input));
}

describe('both kernels give what SEAL gives, bit for bit', () => {
  const seen = { direct: 0, dropped: 0, moduli: 0 };

  it('on random programs, whichever kernel they were packed for', async () => {
    await fc.assert(
      fc.asyncProperty(
        arbitrarySpec(8),
        fc.nat(),
        fc.constantFrom('ntt', 'direct', 'auto'),
        fc.constantFrom('latency', 'bandwidth'),
        async (spec, seed, kernel, objective) => {
          // Differences of 16-bit weights and zero points can be wider than a lane.
          const wide = spec.weights.bits === 16;
          const plan = withDirectOrNull(
            compileSpec(spec, { lowering: 'toeplitz', kernel: wide ? 'ntt' : kernel, objective }),
          );
          if (plan === null) return;
          seen.direct++;
          if (plan.wire.uploadC0 > 0) seen.dropped++;
          await expectSame(plan, seed);
        },
      ),
      { numRuns: runs(90) },
    );
    expect(seen.direct).toBeGreaterThan(runs(80));
    expect(seen.dropped).toBeGreaterThan(runs(2));
  });

  it('on more under several primes, and one of 60 bits', async () => {
    const moduli = [[60], [36, 36, 37], [53, 52], [34, 34, 34], [48]];
    await fc.assert(
      fc.asyncProperty(arbitrarySpec(6), fc.nat(), fc.constantFrom(...moduli), async (spec, seed, bits) => {
        const packed = compileSpec(spec, { lowering: 'toeplitz', degree: 4096, kernel: 'ntt' });
        // Under more primes than its own the plan has room for its noise, and for nothing else.
        const own = packed.parameters.dataPrimes.reduce(
          (sum, prime) => sum + BigInt(prime).toString(2).length,
          0,
        );
        const data = bits.length > 1 ? bits.slice(0, -1) : bits;
        if (own > data.reduce((sum, size) => sum + size, 0)) return;
        const plan = withDirectOrNull(withPrimes(packed, bits));
        if (plan === null) return;
        seen.moduli++;
        await expectSame(plan, seed);
      }),
      { numRuns: runs(20) },
    );
    expect(seen.moduli).toBeGreaterThan(runs(10));
  });

  it('where a row is summed in several folds', async () => {
    // 1152 weights of up to 2047: an L1 norm beyond what a lane holds.
    const spec = simpleSpec({
      input: { channels: 128, height: 8, width: 8, bits: 4 },
      weights: {
        outChannels: 5,
        channelsPerGroup: 128,
        bits: 12,
        signed: true,
        values: Array.from({ length: 5 * 1152 }, (_, index) => ((index * 89) % 4095) - 2047),
      },
    });
    const plan = compileSpec(spec, { lowering: 'toeplitz', kernel: 'direct' });
    expect(lanesOf(plan).folds).toBeGreaterThan(1);
    await expectSame(plan, 3);
  });

  it('with groups, each of which reads its own chunks', async () => {
    const spec = simpleSpec({
      input: { channels: 12, height: 16, width: 16, bits: 4 },
      weights: {
        outChannels: 24,
        channelsPerGroup: 1,
        bits: 4,
        signed: true,
        values: Array.from({ length: 24 * 9 }, (_, index) => ((index * 7) % 15) - 7),
      },
      group: 12,
    });
    await expectSame(compileSpec(spec, { lowering: 'toeplitz', kernel: 'direct' }), 4);
  });
});

function withDirectOrNull(plan: ToeplitzPlan): ToeplitzPlan | null {
  try {
    return withDirect(plan);
  } catch {
    return null;
  }
}

describe('three-way equality with the direct kernel', () => {
  it('on random convolutions', async () => {
    await fc.assert(
      fc.asyncProperty(arbitrarySpec(12), fc.nat(), async (spec, seed) => {
        if (spec.weights.bits === 16) return;
        const plan = compileSpec(spec, { lowering: 'toeplitz', kernel: 'direct' });
        const input = randomInput(spec, seed);
        const expected = convolve(spec, input);
        expect(simulate(plan, buildProgram(plan), input)).toEqual(expected);
        const { output } = await runAll(plan, input);
        expect(output).toEqual(expected);
      }),
      { numRuns: runs(40) },
    );
  });

  it.each(['L1', 'L2', 'L3', 'L4', 'L6'])('on benchmark layer %s', async (id) => {
    const plan = compileSpec(layerSpec(LAYERS.find((layer) => layer.id === id)!), {
      lowering: 'toeplitz',
      kernel: 'direct',
    });
    expect(plan.execution.kernel).toBe('direct');
    await expectSame(plan, 7);
  });

  it('when all weights are zero', async () => {
    const spec = simpleSpec({ weights: { values: new Array<number>(9).fill(0) }, bias: [-5] });
    await expectSame(compileSpec(spec, { lowering: 'toeplitz', kernel: 'direct' }), 1);
  });
});

describe('memory', () => {
  it('is flat over 1,000 evaluations', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const held = async (): Promise<number> => {
      // Buffers are swept beside the collection: a turn of the event loop, and once more.
      for (let round = 0; round < 3; round++) {
        collect();
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      const { heapUsed, arrayBuffers } = process.memoryUsage();
      return heapUsed + arrayBuffers;
    };
    const plan = compileSpec(layerSpec(LAYERS[0]!), { lowering: 'toeplitz', kernel: 'direct' });
    const client = await createClient(clientView(plan));
    const upload = client.encrypt(randomInput(plan.spec, 1));
    const module = await loadDirect();
    const instantiate = vi.spyOn(module, 'instantiate');
    const engines = { packing: await loadPacking(), direct: module };
    const evaluator = new DirectEvaluator(engines, plan, buildProgram(plan), {});
    const memories = instantiate.mock.calls.map(([memory]) => (memory as WasmMemory<ArrayBuffer>).buffer);
    instantiate.mockRestore();
    for (let round = 0; round < 100; round++) evaluator.evaluate(upload);
    const objects = liveSealObjects();
    const sizes = memories.map((memory) => memory.byteLength);
    // V8 keeps code and feedback of its own, once; a leak grows in each of the thousands.
    const growth: number[] = [];
    for (let thousand = 0; thousand < 3; thousand++) {
      const before = await held();
      for (let round = 0; round < 1000; round++) evaluator.evaluate(upload);
      growth.push((await held()) - before);
    }
    expect(Math.min(...growth)).toBeLessThan(2 ** 18);
    expect(liveSealObjects()).toBe(objects);
    // A WASM memory that grows detaches its old buffer: its length would be 0.
    expect(memories.map((memory) => memory.byteLength)).toEqual(sizes);
    expect(sizes).toHaveLength(1);
    evaluator.dispose();
    client.dispose();
  });
});

describe('refusals', () => {
  it('a plan whose lanes are not those of its program', async () => {
    const plan = compileSpec(simpleSpec(), { lowering: 'toeplitz', kernel: 'direct' });
    const lanes = lanesOf(plan);
    for (const other of [
      { ...lanes, limbBits: 15 },
      { ...lanes, laneL1: 1 },
    ]) {
      const execution = { kernel: 'direct', lanes: other, upload: 'seeded' } as const;
      await expect(createEvaluator({ ...plan, execution })).rejects.toMatchObject({ code: 'plan-rejected' });
    }
  });
});
