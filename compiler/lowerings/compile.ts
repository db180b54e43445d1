import { withAccumulatorBits } from '../accumulator/declaredWidth.ts';
import { analyzeAccumulator } from '../accumulator/exact.ts';
import { chooseLowering, diagonalsCost, toeplitzCost } from './choose.ts';
import { compileDiagonals } from '../diagonals/compile.ts';
import type { CompileOptions, Draft } from '../lowering/assemble.ts';
import { CipherconvError } from '../base/errors.ts';
import { deepFreeze } from '../base/freeze.ts';
import type { Plan } from './plan.ts';
import type { Program } from './program.ts';
import { verify } from './verify.ts';
import type { ConvSpec } from '../convolution/spec.ts';
import { compileToeplitz } from '../toeplitz/compile.ts';
import type { DiagonalsPlan } from '../diagonals/plan.ts';
import type { ToeplitzPlan } from '../toeplitz/plan.ts';
import type { ToeplitzProgram } from '../toeplitz/program.ts';

/**
 * Compiles a convolution to a verified plan, with the lowering of the options. Deterministic: the same spec, options and
 * version give the same plan.
 * @throws CipherconvError `overflow` when the accumulator leaves its declared width, `beyond-bfv` when no parameters
 * carry it, `unsupported` when the lowering asked for does not take it.
 */
export function compileSpec(
  spec: ConvSpec,
  options: CompileOptions & { readonly lowering: 'toeplitz' },
): ToeplitzPlan;
export function compileSpec(
  spec: ConvSpec,
  options: CompileOptions & { readonly lowering: 'diagonals' },
): DiagonalsPlan;
export function compileSpec(spec: ConvSpec, options?: CompileOptions): Plan;
export function compileSpec(given: ConvSpec, options: CompileOptions = {}): Plan {
  const spec = withAccumulatorBits(given, options.accumulatorBits);
  const { lowering = 'auto', kernel = 'auto' } = options;
  switch (lowering) {
    case 'toeplitz':
      return proved(compileToeplitz(spec, options));
    case 'diagonals':
      if (kernel === 'direct') refuseDirectDiagonals();
      return proved(compileDiagonals(spec, options));
    case 'auto':
      // Rotations are SEAL's, so the direct kernel knows toeplitz products only.
      return proved(kernel === 'direct' ? compileToeplitz(spec, options) : compileCheaper(spec, options));
    default:
      return lowering satisfies never;
  }
}

function refuseDirectDiagonals(): never {
  throw new CipherconvError({
    code: 'unsupported',
    where: 'kernel',
    message: 'the direct kernel does not rotate, which the diagonals lowering needs',
    hint: 'take the ntt kernel, or the toeplitz lowering',
  });
}

/** Proved to compute its convolution, and frozen. */
function proved({ plan, program }: Draft<Plan, Program>): Plan {
  verify(plan, program);
  return deepFreeze(plan);
}

/** The toeplitz plan, or the diagonals plan where that costs less or toeplitz cannot do it. */
function compileCheaper(spec: ConvSpec, options: CompileOptions): Draft<Plan, Program> {
  const { decodeWidth } = analyzeAccumulator(spec);
  let toeplitz: Draft<ToeplitzPlan, ToeplitzProgram>;
  try {
    toeplitz = compileToeplitz(spec, options);
  } catch (error) {
    const isBeyond = error instanceof CipherconvError && error.code === 'beyond-bfv';
    if (!isBeyond || diagonalsCost(spec, options, null, decodeWidth).kind !== 'estimate') throw error;
    return compileDiagonals(spec, options);
  }
  const { objective } = toeplitz.plan.report;
  const cost = toeplitzCost(toeplitz.plan);
  const diagonals = diagonalsCost(spec, options, { cost, objective }, decodeWidth);
  return chooseLowering(cost, diagonals, objective).choice === 'toeplitz'
    ? toeplitz
    : compileDiagonals(spec, options);
}
