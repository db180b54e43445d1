import { describe, expect, it } from 'vitest';
import { finish } from '../../compiler/base/steps.ts';
import { buildToeplitz, computedRows } from '../../compiler/toeplitz/program.ts';
import type { ToeplitzPlan } from '../../compiler/toeplitz/plan.ts';
import type { ConvSpec } from '../../compiler/convolution/spec.ts';
import { loadPacking } from '../../runtime/wire/packer.ts';
import { HintReader } from '../../runtime/wire/hint.ts';
import { UniformDraw } from '../../runtime/ring/draw.ts';
import { createEvaluatorPool } from '../../runtime/pool/pool.ts';
import { hintSteps } from '../../runtime/evaluator/hint.ts';
import { prefersTransforms } from '../../runtime/evaluator/hintTransforms.ts';
import { checkTransfer } from '../../runtime/evaluator/transfer.ts';
import { computeHint } from '../../src/hint.ts';
import { publicSeedOf } from '../../src/frontend/planDigest.ts';
import { planCore } from '../../src/frontend/planFile.ts';
import { compileToeplitz } from '../support/compile.ts';
import { withPrimes } from '../support/kernels.ts';
import { simpleSpec } from '../support/simple.ts';
import { errorOf } from '../support/simple.ts';
import { randomIntegers } from '../support/specs.ts';

const packing = await loadPacking();

/** Words of 64 bits from halves. */
function bigWords(halves: Uint32Array): bigint[] {
  return Array.from(
    { length: halves.length / 2 },
    (_, at) => (BigInt(halves[2 * at + 1]!) << 32n) | BigInt(halves[2 * at]!),
  );
}

/** W a by the definition of the product modulo X^N + 1, every computed row, under the first prime. */
function rowsByDefinition(plan: ToeplitzPlan, seed: Uint8Array): bigint[][] {
  const program = buildToeplitz(plan);
  const { degree, dataPrimes } = plan.parameters;
  const prime = BigInt(dataPrimes[0]!);
  const draw = new UniformDraw(packing, degree, [prime]);
  const publicPolynomials = plan.transfer.usedChunks.map((_, index) =>
    bigWords(draw.draw(seed, { domain: 'publicPolynomial', index }).slice()),
  );
  return computedRows(program).map((row) => {
    const sums = new Array<bigint>(degree).fill(0n);
    for (const { chunk, plaintext } of program.rows[row]!) {
      const a = publicPolynomials[plan.transfer.usedChunks.indexOf(chunk)]!;
      const { exponents, values } = program.plaintexts[plaintext]!;
      exponents.forEach((exponent, tap) => {
        for (let at = 0; at < degree; at++) {
          const product = BigInt(values[tap]!) * a[at]!;
          sums[(at + exponent) % degree]! += at + exponent < degree ? product : -product;
        }
      });
    }
    return sums.map((sum) => ((sum % prime) + prime) % prime);
  });
}

const draw = randomIntegers(7);
const several: ConvSpec = simpleSpec({
  input: {
    batch: 2,
    channels: 5,
    height: 20,
    width: 20,
    bits: 4,
    signed: false,
    zeroPoint: 0,
    range: { lo: 0, hi: 15 },
  },
  weights: {
    outChannels: 6,
    channelsPerGroup: 5,
    kernelHeight: 3,
    kernelWidth: 3,
    bits: 4,
    signed: true,
    zeroPoints: new Array<number>(6).fill(0),
    // The third output has no weight: its row is never computed.
    values: Array.from({ length: 270 }, (_, index) => (Math.floor(index / 45) === 2 ? 0 : draw(-8, 7))),
  },
  bias: new Array<number>(6).fill(0),
});

describe('the hint of a plan', () => {
  it.each<[string, ConvSpec]>([
    ['one filter', simpleSpec()],
    ['channels, tiles, and a row without weights', several],
  ])('is W a in every row and coefficient: %s', async (_, spec) => {
    const plan = compileToeplitz(spec, { protocol: 'hint' });
    const core = planCore(plan, 'NCHW');
    const made = await computeHint(core);
    expect(made.plan.hint?.bytes).toBe(made.hint.length);
    const reader = new HintReader(packing, plan.parameters);
    const rows = Array.from({ length: made.hint.length / reader.rowBytes }, (_, row) =>
      bigWords(reader.readRow(made.hint, row)),
    );
    expect(rows).toEqual(rowsByDefinition(plan, publicSeedOf(core)));
    expect((await computeHint(core)).hint).toEqual(made.hint);
    // Both ways give it: the direct kernel's steps, and transforms.
    for (const products of ['direct', 'transforms'] as const) {
      const options = { publicSeed: publicSeedOf(core), products };
      expect(finish(await hintSteps(plan, options))).toEqual(made.hint);
    }
  });

  it("under a prime below a weight is the direct kernel's: no lane holds that weight", async () => {
    const outChannels = 8;
    const values = Array.from({ length: outChannels * 8 * 25 }, () => draw(-32767, 32767));
    const filter = {
      outChannels,
      channelsPerGroup: 8,
      kernelHeight: 5,
      kernelWidth: 5,
      signed: true,
      values,
    };
    const plan = compileToeplitz(
      simpleSpec({
        input: { channels: 8, height: 12, width: 12 },
        weights: { ...filter, bits: 16 },
        bias: new Array<number>(outChannels).fill(0),
      }),
      { protocol: 'hint' },
    );
    for (const [bits, preferred] of [
      [14, 'direct'],
      [20, 'transforms'],
    ] as const) {
      const chosen = withPrimes(plan, [bits]);
      const publicSeed = new Uint8Array(32).fill(bits);
      const rows = finish(await hintSteps(chosen, { publicSeed }));
      const reader = new HintReader(packing, chosen.parameters);
      const read = Array.from({ length: rows.length / reader.rowBytes }, (_, row) =>
        bigWords(reader.readRow(rows, row)),
      );
      expect(read).toEqual(rowsByDefinition(chosen, publicSeed));
      const program = buildToeplitz(chosen);
      const work = {
        plan: chosen,
        program,
        transfer: checkTransfer(chosen, program),
        draw: () => new Uint32Array(0),
        onRows: () => undefined,
      };
      expect(prefersTransforms(work)).toBe(preferred === 'transforms');
    }
  });

  it('is refused where there is none, and ends with its signal', async () => {
    const standard = planCore(compileToeplitz(simpleSpec(), { protocol: 'standard' }), 'NCHW');
    await expect(computeHint(standard)).rejects.toMatchObject({ code: 'usage' });
    const core = planCore(compileToeplitz(simpleSpec(), { protocol: 'hint' }), 'NCHW');
    const reason = new Error('no longer wanted');
    await expect(computeHint(core, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  it('is computed by the direct kernel: the other one refuses its plan', async () => {
    const plan = compileToeplitz(several, { protocol: 'hint', degree: 1024 });
    for (const workers of [1, 2])
      await expect(createEvaluatorPool(plan, { kernel: 'ntt', workers })).rejects.toMatchObject({
        code: 'usage',
        details: { where: 'kernel' },
      });
  });

  it('whose row is cut off or holds a coefficient that is not below its prime is refused', () => {
    const { parameters } = compileToeplitz(simpleSpec(), { protocol: 'hint' });
    const reader = new HintReader(packing, parameters);
    const bytes = new Uint8Array(reader.rowBytes);
    expect(errorOf(() => reader.readRow(bytes, 1))).toMatchObject({ code: 'malformed-tensor' });
    expect(errorOf(() => reader.readRow(bytes.fill(0xff), 0))).toMatchObject({
      details: { where: 'hint[0]', message: 'a coefficient is not below its modulus' },
    });
  });
});
