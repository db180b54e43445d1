import { fc, runs } from '../support/properties.ts';
import { describe, expect, it } from 'vitest';
import { CipherconvError } from '../../compiler/base/errors.ts';
import { buildProgram } from '../../compiler/lowerings/program.ts';
import { simulate } from '../../compiler/lowerings/simulate.ts';
import { outputShape } from '../../compiler/convolution/shape.ts';
import type { ConvSpec } from '../../compiler/convolution/spec.ts';
import { convolve } from '../../runtime/clear/loops.ts';
import { arbitrarySpec, randomInput } from '../support/specs.ts';
import { compileToeplitz } from '../support/compile.ts';
import type { ToeplitzPlan } from '../../compiler/toeplitz/plan.ts';
import type { CompileOptions } from '../../compiler/lowerings/compile.ts';

/** Compiles; a forced degree that cannot carry the spec is let go. */
function compileLeniently(spec: ConvSpec, options: CompileOptions): ToeplitzPlan {
  try {
    return compileToeplitz(spec, options);
  } catch (error) {
    if (!(error instanceof CipherconvError) || error.code !== 'beyond-bfv' || options.degree === undefined)
      throw error;
    return compileToeplitz(spec, options.objective === undefined ? {} : { objective: options.objective });
  }
}

const options = fc
  .record({
    degree: fc.constantFrom(undefined, 1024 as const, 2048 as const, 4096 as const),
    objective: fc.constantFrom('latency' as const, 'bandwidth' as const),
  })
  .map(({ degree, objective }): CompileOptions =>
    degree === undefined ? { objective } : { degree, objective },
  );

/** Which features of the lowering a plan uses. */
function features(plan: ToeplitzPlan): string[] {
  const { packing, spec, parameters, transfer } = plan;
  const output = outputShape(spec);
  const found = {
    phases: packing.phaseFactors.rows > 1 || packing.phaseFactors.columns > 1,
    directStride:
      (spec.strides[0] > 1 && packing.phaseFactors.rows === 1) ||
      (spec.strides[1] > 1 && packing.phaseFactors.columns === 1),
    rowTiles: packing.tile.height < output.height,
    columnTiles: packing.tile.width < output.width,
    blocks: packing.blocksPerCiphertext > 1,
    channels: packing.channelsPerCiphertext > 1,
    outputs: packing.outputsPerProduct > 1,
    groups: spec.group > 1,
    emptyRows: transfer.emptyRows.length > 0,
    onePrime: parameters.dataPrimes.length === 1,
  };
  return Object.entries(found).flatMap(([name, used]) => (used ? [name] : []));
}

describe('simulate = naive convolution', () => {
  const seen = new Map<string, number>();

  function check(spec: ConvSpec, seed: number, compileOptions: CompileOptions): void {
    const plan = compileLeniently(spec, compileOptions);
    for (const feature of features(plan)) seen.set(feature, (seen.get(feature) ?? 0) + 1);
    const input = randomInput(spec, seed);
    expect(simulate(plan, buildProgram(plan), input)).toEqual(convolve(spec, input));
  }

  it('on random small convolutions', () => {
    fc.assert(fc.property(arbitrarySpec(), fc.nat(), options, check), { numRuns: runs(340) });
  });

  it('on random larger ones, tiled and in blocks', () => {
    fc.assert(fc.property(arbitrarySpec(90), fc.nat(), options, check), { numRuns: runs(60) });
  });

  it('came across every feature of the lowering', () => {
    for (const feature of [
      'phases',
      'directStride',
      'rowTiles',
      'columnTiles',
      'blocks',
      'channels',
      'outputs',
      'groups',
      'emptyRows',
    ]) {
      expect(seen.get(feature) ?? 0, feature).toBeGreaterThan(0);
    }
  });
});
