/**
 * The passes of the compiler, in their order:
 *
 *     spec -> accumulator -> for each lowering that is tried: packing -> program -> parameters -> proof
 *
 * `spec` takes the convolution and the request, `accumulator` bounds every sum exactly, `packing` searches where elements
 * stand (with the smallest q for each candidate), `program` expands it, `parameters` fixes q by the program's exact norms
 * and what need not travel, `proof` verifies the plan that was taken. Each tells an observer what it made.
 */
type PassName = 'spec' | 'accumulator' | 'packing' | 'program' | 'parameters' | 'proof';

export interface Pass {
  readonly name: PassName;
  /** The lowering that the pass belongs to; null before there is one. */
  readonly lowering: string | null;
  /** What it made, by name, for people and for tests. */
  readonly made: Readonly<Record<string, string | number>>;
}

/** Called after each pass. */
export type PassObserver = (pass: Pass) => void;

/** For whoever does not look. */
export const UNOBSERVED: PassObserver = () => undefined;
