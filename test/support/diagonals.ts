import { compileSpec } from '../../compiler/lowerings/compile.ts';
import type { ConvSpec } from '../../compiler/convolution/spec.ts';
import { simpleSpec } from './simple.ts';
import type { DiagonalsPlan } from '../../compiler/diagonals/plan.ts';

/** Compiles with the diagonals lowering. */
export const diagonals = (spec: ConvSpec): DiagonalsPlan => compileSpec(spec, { lowering: 'diagonals' });

/** A k x k filter without zeros over a 20x17 picture. */
export function square(k: number, pad: number, overrides: Parameters<typeof simpleSpec>[0] = {}): ConvSpec {
  return simpleSpec({
    input: { height: 20, width: 17 },
    weights: {
      kernelHeight: k,
      kernelWidth: k,
      bits: 3,
      values: Array.from({ length: k * k }, (_, index) => 1 + (index % 7)),
    },
    pads: [pad, pad, pad, pad],
    ...overrides,
  });
}
