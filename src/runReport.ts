import { kernelOf } from '../compiler/lowerings/plan.ts';
import type { Plan, Lowering } from '../compiler/lowerings/plan.ts';
import { coeffModulusBits } from '../compiler/bfv/parameters.ts';
import type { Kernel } from '../compiler/lowering/plan.ts';

/** What `run --json` prints: every field always there. Integers throughout but for the milliseconds. */
export interface RunReport {
  /** Whether decryption gave exactly the accumulators of the convolution in the clear. */
  readonly match: boolean;
  /** Integers that differ. */
  readonly mismatches: number;
  /** Integers compared: the size of the output. */
  readonly outputs: number;
  /** How the product was computed. */
  readonly lowering: Lowering;
  /** What computed it. */
  readonly kernel: Kernel;
  /** BFV parameters. */
  readonly params: {
    /** Ring degree N. */
    readonly degree: number;
    /** Bits of every prime, a special one included. */
    readonly coeffModulusBits: readonly number[];
    /** t. */
    readonly plainModulus: number;
  };
  /** lo and hi over all channels; decodeWidth is the widest channel's hi - lo + 1. */
  readonly accumulator: {
    /** Smallest accumulator that any input can reach. */
    readonly lo: number;
    /** Largest accumulator that any input can reach. */
    readonly hi: number;
    /** Values that one decode window tells apart. */
    readonly decodeWidth: number;
  };
  /** Bits, by SEAL's integer formula, the smallest of all results. */
  readonly noise: {
    /** What the compiler proved to be left at least. */
    readonly predictedBudgetBits: number;
    /** What SEAL measured with the secret key. */
    readonly measuredBudgetBits: number;
  };
  /** Milliseconds of each step, to the microsecond. */
  readonly ms: {
    /** Making the client's keys, evaluation keys included. */
    readonly keygen: number;
    /** Building the program and transforming the weights. */
    readonly prepare: number;
    /** Packing and encrypting one input. */
    readonly encrypt: number;
    /** All of the server's work on one upload. */
    readonly evaluate: number;
    /** Decrypting and decoding one response. */
    readonly decrypt: number;
  };
  /** Bytes that travel, without message headers. */
  readonly bytes: {
    /** Evaluation keys, sent once; 0 for a plan that needs none. */
    readonly keys: number;
    /** Input ciphertexts of one run. */
    readonly upload: number;
    /** Result ciphertexts of one run. */
    readonly response: number;
  };
  /** Operations of one run, as `PlanCounts` has them. */
  readonly counts: {
    /** Plaintext x ciphertext products. */
    readonly products: number;
    /** Ciphertext transforms, forward and back. */
    readonly ntt: number;
    /** Rotations and exchanges of slot rows. */
    readonly rotations: number;
    /** Ciphertexts of the upload. */
    readonly inputCiphertexts: number;
    /** Ciphertexts of the response. */
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
