import { kernelOf } from '../compiler/lowerings/plan.ts';
import type { Plan, Lowering } from '../compiler/lowerings/plan.ts';
import { coeffModulusBits } from '../compiler/bfv/parameters.ts';
import type { Kernel } from '../compiler/lowering/plan.ts';

/** What `run --json` prints: every field always there. Integers throughout but for the milliseconds. */
export interface RunReport {
  readonly match: boolean;
  readonly mismatches: number;
  readonly outputs: number;
  readonly lowering: Lowering;
  readonly kernel: Kernel;
  readonly params: {
    readonly degree: number;
    /** Bits of every prime, a special one included. */
    readonly coeffModulusBits: readonly number[];
    readonly plainModulus: number;
  };
  /** lo and hi over all channels; decodeWidth is the widest channel's hi - lo + 1. */
  readonly accumulator: { readonly lo: number; readonly hi: number; readonly decodeWidth: number };
  /** Bits, by SEAL's integer formula, the smallest of all results. */
  readonly noise: { readonly predictedBudgetBits: number; readonly measuredBudgetBits: number };
  readonly ms: {
    readonly keygen: number;
    readonly prepare: number;
    readonly encrypt: number;
    readonly evaluate: number;
    readonly decrypt: number;
  };
  readonly bytes: { readonly keys: number; readonly upload: number; readonly response: number };
  readonly counts: {
    readonly products: number;
    readonly ntt: number;
    readonly rotations: number;
    readonly inputCiphertexts: number;
    readonly outputCiphertexts: number;
  };
}

/** The part of a report that the plan alone decides. */
export function planFacts(
  plan: Plan,
): Pick<RunReport, 'lowering' | 'kernel' | 'params' | 'accumulator' | 'counts'> {
  const { interval, decodeWidth } = plan.analysis;
  const { products, ntt, rotations, inputCiphertexts, outputCiphertexts } = plan.counts;
  return {
    lowering: plan.lowering,
    kernel: kernelOf(plan),
    params: {
      degree: plan.parameters.degree,
      coeffModulusBits: coeffModulusBits(plan.parameters),
      plainModulus: plan.parameters.plainModulus,
    },
    accumulator: { lo: interval.lo, hi: interval.hi, decodeWidth },
    counts: { products, ntt, rotations, inputCiphertexts, outputCiphertexts },
  };
}
