/** Predicted bytes of messages: the plan's figures, the codecs' lengths and the information content. Nothing is encrypted. */
import { fc, runs } from '../support/properties.ts';
import { describe, expect, it } from 'vitest';
import { compileSpec } from '../../compiler/lowerings/compile.ts';
import { dropStep } from '../../compiler/bfv/dropStep.ts';
import { dataModulus } from '../../compiler/bfv/parameters.ts';
import { diagonalsCoefficients } from '../../compiler/diagonals/counts.ts';
import { CipherconvError } from '../../compiler/base/errors.ts';
import type { Plan } from '../../compiler/lowerings/plan.ts';
import { buildProgram } from '../../compiler/lowerings/program.ts';
import { messageLengths, responseLengths, uploadLengths } from '../../runtime/wire/lengths.ts';
import { MESSAGE_HEADER_BYTES, messageBytes } from '../../runtime/wire/message.ts';
import { LAYERS, layerSpec } from '../../src/bench/layers.ts';
import { arbitrarySpec } from '../support/specs.ts';
import { travellingCoefficients } from '../../compiler/toeplitz/counts.ts';
import type { CompileOptions } from '../../compiler/lowerings/compile.ts';
import { clientView } from '../../compiler/lowerings/views.ts';

const sum = (lengths: readonly number[]): number => lengths.reduce((total, length) => total + length, 0);
const HEADER_ALLOWANCE = 64;
const SEED = 64;

/** Bits that the coefficients of one run need, as the plan cuts them: up and down. */
function informationBits(plan: Plan): { up: number; down: number } {
  const program = buildProgram(plan);
  const coefficients =
    program.lowering === 'toeplitz'
      ? travellingCoefficients(program, 'standard')
      : diagonalsCoefficients(program);
  const primes = plan.parameters.dataPrimes.map(BigInt);
  const q = dataModulus(plan.parameters);
  const bits = (dropped: number): number => Math.log2(Number(q / dropStep(primes, dropped)) + 1);
  return {
    up: coefficients.uploadC0 * bits(plan.wire.uploadC0),
    down:
      coefficients.responseC0 * bits(plan.wire.responseC0) +
      coefficients.responseC1 * bits(plan.wire.responseC1),
  };
}

/** The measure of what a message must be: coefficients x bits, one seed a ciphertext up, 64 bytes of header. */
function expectTight(plan: Plan): void {
  const { upload, response } = messageLengths(clientView(plan));
  const { up, down } = informationBits(plan);
  const whole = (bits: number): number => Math.ceil(bits);
  expect(messageBytes(upload)).toBeLessThanOrEqual(
    1.02 * (whole(up) / 8 + SEED * upload.length + HEADER_ALLOWANCE),
  );
  expect(messageBytes(response)).toBeLessThanOrEqual(1.02 * (whole(down) / 8 + HEADER_ALLOWANCE));
}

describe.each(LAYERS.map((layer) => [layer.id, layer] as const))('%s', (_, layer) => {
  it.each<[string, CompileOptions]>([
    ['latency', {}],
    ['bandwidth', { objective: 'bandwidth' }],
  ])('for %s: as predicted, and within 1.02 of the information content', (__, options) => {
    const plan = compileSpec(layerSpec(layer), options);
    const view = clientView(plan);
    expect(sum(uploadLengths(view))).toBe(plan.bytes.upload);
    expect(sum(responseLengths(view))).toBe(plan.bytes.response);
    expect(uploadLengths(view).length).toBe(plan.counts.inputCiphertexts);
    expect(responseLengths(view).length).toBe(plan.counts.outputCiphertexts);
    expectTight(plan);
  });
});

it('random plans of both lowerings: as predicted', () => {
  fc.assert(
    fc.property(
      arbitrarySpec(5),
      fc.constantFrom('toeplitz' as const, 'diagonals' as const),
      (spec, lowering) => {
        let plan: Plan;
        try {
          plan = compileSpec(spec, { lowering });
        } catch (error) {
          if (error instanceof CipherconvError && /beyond-bfv|unsupported/.test(error.code)) return;
          throw error;
        }
        const { upload, response, keys } = messageLengths(clientView(plan));
        expect(sum(upload)).toBe(plan.bytes.upload);
        expect(sum(response)).toBe(plan.bytes.response);
        expect(sum(keys)).toBe('keys' in plan ? plan.keys.bytes : 0);
        expect(messageBytes(upload)).toBe(MESSAGE_HEADER_BYTES + plan.bytes.upload);
      },
    ),
    { numRuns: runs(40) },
  );
});
