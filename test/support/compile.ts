import { compileSpec } from '../../compiler/lowerings/compile.ts';
import type { ConvSpec } from '../../compiler/convolution/spec.ts';
import type { ToeplitzPlan } from '../../compiler/toeplitz/plan.ts';
import type { CompileOptions } from '../../compiler/lowerings/compile.ts';

/** A proved toeplitz plan. */
export function compileToeplitz(spec: ConvSpec, options: CompileOptions = {}): ToeplitzPlan {
  return compileSpec(spec, { ...options, lowering: 'toeplitz' });
}
