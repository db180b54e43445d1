import type { Degree, SecurityBits } from '../bfv/security.ts';
import type { Parameters } from '../bfv/parameters.ts';
import type { PlanKeys } from '../lowering/plan.ts';
import type { StageChoice } from './placement.ts';
import type { StagePrimes } from './program.ts';
import type { NetworkSpec } from './spec.ts';

/** BFV parameters of a network: one q for all plain moduli. */
export interface NetworkParameters {
  /** Ring degree N. */
  readonly degree: Degree;
  /** Primes t = 1 mod 2N; the network is computed once under each. */
  readonly plainModuli: readonly number[];
  /** Primes that carry data, decimal strings; the last one is dropped first. */
  readonly dataPrimes: readonly string[];
  /** SEAL's prime for key switching, decimal. */
  readonly specialPrime: string;
  /** Bits of security that N and the bits of all primes together give at least (bfv/security.ts). */
  readonly securityBits: SecurityBits;
}

/** A compiled network: plain, frozen data. The program is a pure function of it. */
export interface NetworkPlan {
  /** The network, weights included. */
  readonly spec: NetworkSpec;
  /** What is proved of its values. */
  readonly analysis: NetworkAnalysis;
  /** BFV parameters. */
  readonly parameters: NetworkParameters;
  /** Where the outputs of every stage but the first stand. */
  readonly layout: readonly StageChoice[];
  /** Data primes left at every stage. */
  readonly primes: readonly StagePrimes[];
  /** Budget that results have left at least, but with probability 2^-128 under the model of noise.ts. Units: bits. */
  readonly noise: {
    /** How often it may be less, at most. */
    readonly failure: '2^-128';
    /** Bits. */
    readonly predictedBudgetBits: number;
  };
  /** What one run costs in operations. */
  readonly counts: NetworkCounts;
  /** What travels. */
  readonly bytes: NetworkBytes;
  /** What the search came to. */
  readonly report: NetworkReport;
}

/** What is proved of the values of a network; integers of any size are decimal strings. */
export interface NetworkAnalysis {
  /** Of every linear map, before the square. */
  readonly stages: readonly {
    /** Of the stage. */
    readonly name: string;
    /** Smallest value of any output. */
    readonly lo: string;
    /** Largest value of any output. */
    readonly hi: string;
  }[];
  /** One a logit: it is lo + modulus * y, y from 0 up to (hi - lo) / modulus. */
  readonly logits: readonly LogitWindow[];
  /** log2 of the values that the widest logit can take. */
  readonly provedBits: number;
}

/** How residues become a logit. Decimal strings. */
export interface LogitWindow {
  /** Smallest value. */
  readonly lo: string;
  /** Largest value. */
  readonly hi: string;
  /** Distance of two values; 0 for a constant. */
  readonly modulus: string;
}

/** Operations of one run under one plain modulus, and the number of moduli. */
export interface NetworkCounts {
  /** Plain moduli: the rest is done once for each. */
  readonly moduli: number;
  /** Ciphertexts of one upload. */
  readonly inputCiphertexts: number;
  /** Plaintext x ciphertext products. */
  readonly products: number;
  /** Key switches of rotations, exchanges of slot rows included. */
  readonly rotations: number;
  /** Squares, each with a relinearization. */
  readonly squares: number;
  /** Transforms of ciphertexts, there and back. */
  readonly ntt: number;
}

/** Bytes of one run, over all moduli, exact; message headers not counted. */
export interface NetworkBytes {
  /** Of all input ciphertexts. */
  readonly upload: number;
  /** Of all result ciphertexts. */
  readonly response: number;
  /** Of the evaluation keys: once, whatever the number of moduli. */
  readonly keys: number;
}

/** What the search for the plan came to. */
export interface NetworkReport {
  /** Parameters and layouts whose cost was computed. */
  readonly considered: number;
  /** Estimated milliseconds of one run, one thread, on the machine of the cost table. */
  readonly estimatedMilliseconds: number;
  /** Degrees that do not carry the network, and why. */
  readonly refused: readonly {
    /** N. */
    readonly degree: Degree;
    /** In words. */
    readonly reason: string;
  }[];
}

/** The evaluation keys of a network: rotations, the exchange of slot rows, and the relinearization key where it squares. */
export interface NetworkKeys extends PlanKeys {
  /** Whether the key of s^2 is needed. */
  readonly relinearization: boolean;
}

/** The parameters as SEAL takes them for one plain modulus. */
export function parametersFor(
  { degree, dataPrimes, specialPrime, securityBits }: NetworkParameters,
  plainModulus: number,
): Parameters {
  return { degree, plainModulus, dataPrimes, specialPrime, securityBits };
}

/** Data primes of the results. */
export function resultPrimes({ primes }: Pick<NetworkPlan, 'primes'>): number {
  return primes.at(-1)?.sums ?? 1;
}
