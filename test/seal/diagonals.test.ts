import { keyCount } from '../../compiler/lowering/plan.ts';
import { fc, runs } from '../support/properties.ts';
import { afterEach, describe, expect, it } from 'vitest';
import { analyzeAccumulator, witnessImage } from '../../compiler/accumulator/exact.ts';
import { compileSpec } from '../../compiler/lowerings/compile.ts';
import { buildProgram } from '../../compiler/lowerings/program.ts';
import { simulate } from '../../compiler/lowerings/simulate.ts';
import type { ConvSpec } from '../../compiler/convolution/spec.ts';
import { convolve } from '../../runtime/clear/loops.ts';
import { createClient } from '../../runtime/client/client.ts';
import { createEvaluator } from '../../runtime/evaluator/evaluator.ts';
import { createContext } from '../../runtime/seal/context.ts';
import { saveBytes } from '../../runtime/seal/envelope.ts';
import { galoisFrame } from '../../runtime/seal/galoisEnvelope.ts';
import { loadSeal } from '../../runtime/seal/module.ts';
import { liveSealObjects, withScope } from '../../runtime/seal/scope.ts';
import { EvaluationKeysCodec, galoisSteps } from '../../runtime/wire/evaluationKeys.ts';
import { loadPacking } from '../../runtime/wire/packer.ts';
import { LAYERS, layerSpec } from '../../src/bench/layers.ts';
import { diagonals } from '../support/diagonals.ts';
import { runEncrypted } from '../support/execute.ts';
import { simpleSpec } from '../support/simple.ts';
import { arbitrarySpec, randomInput } from '../support/specs.ts';
import type { DiagonalsPlan } from '../../compiler/diagonals/plan.ts';
import { clientView } from '../../compiler/lowerings/views.ts';

afterEach(() => {
  expect(liveSealObjects()).toBe(0);
});

describe('three-way equality in slots: naive = simulated = encrypted', () => {
  const gaps: number[] = [];

  it('on random convolutions, measured budget never below the predicted one', async () => {
    let bothRows = 0;
    await fc.assert(
      fc.asyncProperty(fc.oneof(arbitrarySpec(8), arbitrarySpec(45)), fc.nat(), async (spec, seed) => {
        const plan = diagonals(spec);
        const input = randomInput(spec, seed);
        const expected = convolve(spec, input);
        const program = buildProgram(plan);
        expect(simulate(plan, program, input)).toEqual(expected);
        const { outputs, measuredBudgetBits } = await runEncrypted(plan, [input]);
        expect(outputs).toEqual([expected]);
        expect(measuredBudgetBits).toBeGreaterThanOrEqual(plan.noise.predictedBudgetBits);
        gaps.push(measuredBudgetBits - plan.noise.predictedBudgetBits);
        if (program.outputs.some(({ slots }) => slots.some((slot) => slot >= program.degree / 2))) bothRows++;
      }),
      { numRuns: runs(16) },
    );
    expect(bothRows).toBeGreaterThan(0);
  });

  it('with a bound that is not absurdly loose: the median gap is at most 12 bits', () => {
    gaps.sort((left, right) => left - right);
    expect(gaps.length).toBeGreaterThanOrEqual(runs(16));
    expect(gaps[Math.floor(gaps.length / 2)]).toBeLessThanOrEqual(12);
  });

  it.each(['L1', 'L2'])('on benchmark layer %s', async (id) => {
    const spec = layerSpec(LAYERS.find((layer) => layer.id === id)!);
    const input = randomInput(spec, 7);
    expect((await runEncrypted(diagonals(spec), [input])).outputs).toEqual([convolve(spec, input)]);
  });

  it('outputs in both slot rows, none of them 0', async () => {
    const spec = simpleSpec({
      input: { channels: 2, height: 30, width: 30, range: { lo: 1, hi: 3 } },
      weights: {
        outChannels: 4,
        channelsPerGroup: 2,
        values: Array.from({ length: 72 }, (_, index) => 1 + (index % 3)),
      },
    });
    const plan = diagonals(spec);
    const program = buildProgram(plan);
    const input = randomInput(spec, 9);
    const { outputs } = await runEncrypted(plan, [input]);
    expect(outputs).toEqual([convolve(spec, input)]);
    const half = plan.parameters.degree / 2;
    for (const row of [0, 1]) {
      const values = program.outputs.flatMap(({ slots, elements }) =>
        Array.from(elements).filter((_, index) => slots[index]! >= half === (row === 1)),
      );
      expect(values.length).toBeGreaterThan(100);
      expect(values.every((element) => outputs[0]!.data[element] !== 0)).toBe(true);
    }
  });

  it('with planes longer than a slot row, rows exchanged', async () => {
    const spec = simpleSpec({ input: { channels: 1, height: 70, width: 60 } });
    const plan = compileSpec(spec, { lowering: 'diagonals', degree: 4096 });
    expect(plan.keys.exchange).toBe(true);
    const input = randomInput(spec, 11);
    expect((await runEncrypted(plan, [input])).outputs).toEqual([convolve(spec, input)]);
  });

  it('when all weights are zero: nothing is sent, the result is the bias', async () => {
    const spec = simpleSpec({ weights: { values: new Array<number>(9).fill(0) }, bias: [-5] });
    const { outputs } = await runEncrypted(diagonals(spec), [randomInput(spec, 1)]);
    expect(new Set(outputs[0]!.data)).toEqual(new Set([-5]));
  });

  it('when decryption must not fail', async () => {
    const spec = simpleSpec({ weights: { outChannels: 2, values: [...Array(18).keys()].map((i) => i % 4) } });
    const plan = compileSpec(spec, { lowering: 'diagonals', failure: 'never' });
    const input = randomInput(spec, 2);
    const { outputs, measuredBudgetBits } = await runEncrypted(plan, [input]);
    expect(outputs).toEqual([convolve(spec, input)]);
    expect(measuredBudgetBits).toBeGreaterThanOrEqual(plan.noise.predictedBudgetBits);
  });
});

describe('positive controls', () => {
  it('t = 40961 carries a window of 40961 values; one that needs one more comes out wrong when forced', async () => {
    // 1 x 1, one weight: accumulator [0, 15 * weight].
    const window = (hi: number, weight: number): ConvSpec =>
      simpleSpec({
        input: { height: 9, width: 9, bits: 16, range: { lo: 0, hi } },
        weights: { kernelHeight: 1, kernelWidth: 1, bits: 16, values: [weight] },
        pads: [0, 0, 0, 0],
      });
    const fits = window(40960, 1);
    const plan = compileSpec(fits, { lowering: 'diagonals', degree: 4096 });
    expect(plan.parameters.plainModulus).toBe(40961);
    const highest = (spec: ConvSpec) => ({
      shape: [1, 1, 9, 9],
      data: witnessImage(spec, analyzeAccumulator(spec), 0, 'high'),
    });
    expect((await runEncrypted(plan, [highest(fits)])).outputs).toEqual([convolve(fits, highest(fits))]);
    const tooWide = window(40961, 1);
    const forced = { ...compileSpec(tooWide, { lowering: 'diagonals', degree: 4096 }) };
    expect(forced.parameters.plainModulus).toBeGreaterThan(40961);
    const narrow: DiagonalsPlan = {
      ...forced,
      parameters: plan.parameters,
      noise: plan.noise,
      wire: plan.wire,
    };
    const wrong = (await runEncrypted(narrow, [highest(tooWide)])).outputs[0]!;
    const right = convolve(tooWide, highest(tooWide));
    const differing = right.data.filter((value, index) => value !== wrong.data[index]);
    expect(new Set(differing)).toEqual(new Set([40961]));
  });

  it('a special prime too small for the rotations decrypts wrong', async () => {
    const spec = simpleSpec();
    const plan = diagonals(spec);
    const input = randomInput(spec, 3);
    const weak: DiagonalsPlan = { ...plan, parameters: { ...plan.parameters, specialPrime: '65537' } };
    const weakKeys = await keyBytesOf(weak);
    const { outputs } = await runEncrypted({ ...weak, keys: { ...plan.keys, bytes: weakKeys } }, [input]);
    expect(outputs).not.toEqual([convolve(spec, input)]);
  });
});

/** Bytes of keys under other primes, as the codec counts them. */
async function keyBytesOf({ parameters, keys }: DiagonalsPlan): Promise<number> {
  const seal = await loadSeal();
  return withScope((scope) => {
    const context = createContext(scope, seal, parameters);
    const bits = [...parameters.dataPrimes, parameters.specialPrime!].reduce(
      (sum, prime) => sum + BigInt(prime).toString(2).length,
      0,
    );
    return keyCount(keys) * context.dataPrimeCount * (Math.ceil((context.degree * bits) / 8) + 64);
  });
}

describe('evaluation keys', () => {
  const spec = simpleSpec({ input: { channels: 1, height: 70, width: 60 } });
  const plan = compileSpec(spec, { lowering: 'diagonals', degree: 4096 });

  it("are exactly those of the plan, of the size it says; unpacked they are SEAL's own bytes", async () => {
    const client = await createClient(clientView(plan));
    expect(client.evaluationKeys().length).toBe(plan.keys.bytes);
    client.dispose();
    const [seal, packing] = await Promise.all([loadSeal(), loadPacking()]);
    withScope((scope) => {
      const context = createContext(scope, seal, plan.parameters);
      const generator = scope.own(new seal.KeyGenerator(context.context));
      const steps = Int32Array.from(galoisSteps(plan.keys));
      const own = saveBytes(seal, scope.own(generator.createGaloisKeysSerializableWithSteps(steps)));
      const frame = galoisFrame(seal, context, galoisSteps(plan.keys));
      const codec = new EvaluationKeysCodec(packing, frame, plan.parameters, plan.keys);
      expect(codec.decode(codec.encode(own))).toEqual(own);
    });
  });

  it('missing, of another size or beyond a prime are refused before SEAL sees them', async () => {
    const client = await createClient(clientView(plan));
    const evaluator = await createEvaluator(plan);
    const upload = client.encrypt(randomInput(spec, 1));
    expect(() => evaluator.evaluate(upload)).toThrow(expect.objectContaining({ code: 'usage' }));
    const keys = client.evaluationKeys();
    const forged = keys.slice().fill(255, 0, 16);
    for (const bytes of [new Uint8Array(0), keys.subarray(1), forged]) {
      expect(() => {
        evaluator.loadEvaluationKeys(bytes);
      }).toThrow(expect.objectContaining({ code: 'malformed-tensor' }));
    }
    evaluator.loadEvaluationKeys(keys);
    expect(() => evaluator.evaluate([])).toThrow(expect.objectContaining({ code: 'malformed-tensor' }));
    const results = evaluator.evaluate(upload);
    expect(client.decrypt(results)).toEqual(convolve(spec, randomInput(spec, 1)));
    expect(results.reduce((sum, bytes) => sum + bytes.length, 0)).toBe(plan.bytes.response);
    expect(upload.reduce((sum, bytes) => sum + bytes.length, 0)).toBe(plan.bytes.upload);
    client.dispose();
    evaluator.dispose();
    expect(() => {
      evaluator.loadEvaluationKeys(keys);
    }).toThrow('used after dispose');
  });

  it('a toeplitz plan has none and takes none', async () => {
    const toeplitz = compileSpec(simpleSpec(), { lowering: 'toeplitz' });
    const client = await createClient(clientView(toeplitz));
    const evaluator = await createEvaluator(toeplitz);
    expect(client.evaluationKeys()).toHaveLength(0);
    evaluator.loadEvaluationKeys(client.evaluationKeys());
    expect(() => {
      evaluator.loadEvaluationKeys(new Uint8Array(1));
    }).toThrow(expect.objectContaining({ code: 'malformed-tensor' }));
    client.dispose();
    evaluator.dispose();
  });

  it('with weights made on the fly the integers are the same', async () => {
    const client = await createClient(clientView(plan));
    const evaluator = await createEvaluator(plan, { weightMemoryBytes: 0 });
    expect(evaluator.weights.kind).toBe('on-the-fly');
    evaluator.loadEvaluationKeys(client.evaluationKeys());
    const input = randomInput(spec, 5);
    expect(client.decrypt(evaluator.evaluate(client.encrypt(input)))).toEqual(convolve(spec, input));
    client.dispose();
    evaluator.dispose();
  });
});
