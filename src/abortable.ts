import { compileSteps } from '../compiler/lowerings/compile.ts';
import type { CompileOptions } from '../compiler/lowerings/compile.ts';
import type { ConvSpec } from '../compiler/convolution/spec.ts';
import type { DiagonalsPlan } from '../compiler/diagonals/plan.ts';
import type { Plan } from '../compiler/lowerings/plan.ts';
import type { ToeplitzPlan } from '../compiler/toeplitz/plan.ts';
import { finishInTurns, finishUnless } from './steps.ts';

export interface AbortableCompileOptions extends CompileOptions {
  /**
   * Aborts between candidates of the search, passes of the compiler and rows of its proof. Nothing of a plan is left then.
   * The longest stretch without a checkpoint took 0.7 of 4 s for a 3x3 filter over 1920 x 1080: the placing of all elements.
   * While `compile` runs nothing else of its thread does: `compileAsync` is for signals that fire in it.
   */
  readonly signal?: AbortSignal;
}

/**
 * Compiles a convolution to a verified plan, with the lowering of the options. Deterministic: the same spec, options and
 * version give the same plan.
 * @throws CipherconvError `overflow` when the accumulator leaves its declared width, `beyond-bfv` when no parameters
 * carry it, `unsupported` when the lowering asked for does not take it; the signal's reason when it aborts.
 */
export function compile(
  spec: ConvSpec,
  options: AbortableCompileOptions & { readonly lowering: 'toeplitz' },
): ToeplitzPlan;
export function compile(
  spec: ConvSpec,
  options: AbortableCompileOptions & { readonly lowering: 'diagonals' },
): DiagonalsPlan;
export function compile(spec: ConvSpec, options?: AbortableCompileOptions): Plan;
export function compile(spec: ConvSpec, { signal, ...options }: AbortableCompileOptions = {}): Plan {
  return finishUnless(signal, compileSteps(spec, options));
}

/** The same plan, with turns of the event loop in between: timers fire, and a signal of the same thread can abort it. */
export function compileAsync(
  spec: ConvSpec,
  { signal, ...options }: AbortableCompileOptions = {},
): Promise<Plan> {
  return finishInTurns(signal, compileSteps(spec, options));
}
