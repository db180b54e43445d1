/** Findings are data; rendering them is the reporters' business. */

export type Level = 'error' | 'warning' | 'info';

export type RuleName = 'accumulator-overflow' | 'datatype-could-overflow' | 'beyond-bfv' | 'unreadable';

/** Inputs that drive one output cell to the ends of its channel's interval. */
export interface Witness {
  /** [channel, row, column] of the cell that leaves the declared width. */
  readonly output: readonly [number, number, number];
  /**
   * Raw inputs under the kernel, [channel of the group][kernel row][kernel column], that reach the low end. A tap that
   * falls on padding holds the input's zero point, so that it adds nothing.
   */
  readonly low: readonly (readonly (readonly number[])[])[];
  /** The same for the high end. */
  readonly high: readonly (readonly (readonly number[])[])[];
}

/** One finding. What does not apply is null, never absent. */
export interface Finding {
  readonly rule: RuleName;
  readonly level: Level;
  readonly file: string;
  /** From 1. */
  readonly line: number | null;
  readonly column: number | null;
  /** Name of the convolution. */
  readonly layer: string | null;
  readonly message: string;
  /** Range of the accumulator that the finding is about. */
  readonly interval: readonly [lo: number, hi: number] | null;
  readonly requiredBits: number | null;
  readonly declaredBits: number | null;
  /** declaredBits - requiredBits. */
  readonly headroom: number | null;
  readonly witness: Witness | null;
  readonly hint: string | null;
}

/** One bound on a layer's accumulator, as JSON has it. */
export interface LayerTier {
  readonly kind: 'proof' | 'estimate';
  readonly interval: readonly [lo: number, hi: number];
  readonly requiredBits: number;
}

/** What was analysed of one convolution. */
export interface Layer {
  readonly name: string;
  readonly op: 'ConvInteger';
  readonly taps: number;
  readonly interval: readonly [lo: number, hi: number];
  readonly requiredBits: number;
  readonly declaredBits: number | null;
  readonly tiers: {
    readonly datatype: LayerTier & { readonly largestTaps: number | null };
    readonly exact: LayerTier;
  };
}

/** All that one lint found. `lint --format json` prints it as it is. */
export interface LintReport {
  readonly findings: readonly Finding[];
  readonly layers: readonly Layer[];
}

/**
 * 0 when all is well, 1 for errors or more warnings than allowed, 2 when something could not be read, whatever else was
 * found.
 */
export function lintExitCode({ findings }: LintReport, maxWarnings: number): 0 | 1 | 2 {
  if (findings.some(({ rule }) => rule === 'unreadable')) return 2;
  if (findings.some(({ level }) => level === 'error')) return 1;
  return findings.filter(({ level }) => level === 'warning').length > maxWarnings ? 1 : 0;
}
