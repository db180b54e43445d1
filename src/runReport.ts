import { protocolOf } from '../compiler/lowering/plan.ts';
import { kernelOf, uploadForm } from '../compiler/lowerings/plan.ts';
import type { Plan, Lowering } from '../compiler/lowerings/plan.ts';
import { coeffModulusBits } from '../compiler/bfv/parameters.ts';
import type { Kernel, Protocol } from '../compiler/lowering/plan.ts';

/** What `run --json` prints: every field always there. Integers throughout but for the milliseconds. */
export interface RunReport {
  /** Whether decryption gave exactly the accumulators of the convolution in the clear, and SEAL agrees where it was asked. */
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
    /** What was measured with the secret key, by our own exact arithmetic or by SEAL. */
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
    /** What is done before the input is there: keygen and prepare, and with hints the hint and the key of this inference. */
    readonly offline: number;
    /** What is done once the input is there: encrypt, evaluate and decrypt. */
    readonly online: number;
  };
  /** Whose arithmetic encrypts and decrypts: our own ring arithmetic, or Microsoft SEAL. */
  readonly engine: 'ring' | 'seal';
  /** What client and server exchange. */
  readonly protocol: Protocol;
  /** What SEAL, as the judge of our own arithmetic, says of this run; null where it was not asked, or ran everything itself. */
  readonly seal: {
    /** Whether SEAL decrypts the response to the same integers. */
    readonly decryptsEqual: boolean;
    /** Whether SEAL computes the same words from the upload, the hint included; null where it was not asked. */
    readonly wordsEqual: boolean | null;
  } | null;
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
): Pick<RunReport, 'lowering' | 'kernel' | 'engine' | 'protocol' | 'params' | 'accumulator' | 'counts'> {
  const { interval, decodeWidth } = plan.analysis;
  const { products, ntt, rotations, inputCiphertexts, outputCiphertexts } = plan.counts;
  return {
    lowering: plan.lowering,
    kernel: kernelOf(plan),
    engine: uploadForm(plan) === 'seal-seeded' ? 'seal' : 'ring',
    protocol: protocolOf({ upload: uploadForm(plan) }),
    params: {
      degree: plan.parameters.degree,
      coeffModulusBits: coeffModulusBits(plan.parameters),
      plainModulus: plan.parameters.plainModulus,
    },
    accumulator: { lo: interval.lo, hi: interval.hi, decodeWidth },
    counts: { products, ntt, rotations, inputCiphertexts, outputCiphertexts },
  };
}
