/** Findings are data; rendering them is the reporters' business. */

/** How bad a finding is: errors fail a run, warnings do past the number allowed, and the rest informs. */
export type Level = 'error' | 'warning' | 'info';

/** The rules whose level can be chosen, by name. */
export const RULE_NAMES = [
  'accumulator-overflow',
  'bias-out-of-range',
  'beyond-bfv',
  'low-headroom',
  'dead-channel',
  'unsupported-operator',
  'datatype-could-overflow',
  'wider-than-needed',
  'unused-weight-bits',
  'unreadable',
] as const;

/** Names of the rules. */
export type ConfigurableRule = (typeof RULE_NAMES)[number];

/** Name of the rule that a finding is of. */
export type RuleName = ConfigurableRule;

/** Integers past 2^53 are decimal strings. */
export type WideInteger = number | string;

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
  /** Rule that found it. */
  readonly rule: RuleName;
  /** How bad it is, by the settings. */
  readonly level: Level;
  /** Name of the file. */
  readonly file: string;
  /** From 1. */
  readonly line: number | null;
  /** From 1; null for a file without lines. */
  readonly column: number | null;
  /** Name of the convolution. */
  readonly layer: string | null;
  /** One sentence that says what is wrong. */
  readonly message: string;
  /** Range of the accumulator that the finding is about. */
  readonly interval: readonly [lo: WideInteger, hi: WideInteger] | null;
  /** Bits that the accumulator needs. */
  readonly requiredBits: number | null;
  /** Bits that the author declared. */
  readonly declaredBits: number | null;
  /** declaredBits - requiredBits. */
  readonly headroom: number | null;
  /** Inputs that show it. */
  readonly witness: Witness | null;
  /** What to do about it, as one clause. */
  readonly hint: string | null;
}

/** What was analysed of one convolution. */
export interface Layer {
  /** Name of the file. */
  readonly file: string;
  /** Name of the convolution. */
  readonly name: string;
  /** Operator: that of the ONNX node, or ConvInteger for a filter config. */
  readonly op: string;
  /** Products that one output sums. */
  readonly taps: number;
  /** Products of all outputs of one input; null where the weights are not known. */
  readonly products: number | null;
  /** Exact range over all output channels; that of the datatypes where the weights are not known. */
  readonly interval: readonly [lo: number, hi: number];
  /** Bits that `interval` needs. */
  readonly requiredBits: number;
  /** Bits that the author declared; null for none. */
  readonly declaredBits: number | null;
  /** What `declaredBits` can hold. */
  readonly declaredRange: readonly [lo: number, hi: number] | null;
  /** The bounds, one by one. */
  readonly tiers: LayerTiers;
}

/** An interval with its width; per output channel too. */
export interface LayerTier<Kind extends 'proof' | 'estimate'> {
  /** Whether the bound is proved or estimated. */
  readonly kind: Kind;
  /** Ends over all output channels, both inclusive. */
  readonly interval: readonly [lo: number, hi: number];
  /** Bits that `interval` needs. */
  readonly requiredBits: number;
  /** Ends for each output channel. */
  readonly channels: readonly (readonly [lo: number, hi: number])[];
}

/** The five tiers, as JSON has them. What there is nothing to compute from is null. */
export interface LayerTiers {
  /** From the datatypes alone: any inputs times any weights. */
  readonly datatype: LayerTier<'proof'> & {
    /** Most taps that the declared width holds whatever the weights are; null when none is declared or any number fits. */
    readonly largestTaps: number | null;
  };
  /** null, as the tiers below, where the weights are not known. */
  readonly l1:
    | (LayerTier<'proof'> & {
        /** Largest L1 norm of the centred weights of an output channel. */
        readonly norm: number;
        /** A2Q's closed form for that norm; null where it does not apply (zero points, biases or a narrowed range). */
        readonly a2qBits: number | null;
      })
    | null;
  /** The exact range over all inputs. */
  readonly exact:
    | (LayerTier<'proof'> & {
        /** Largest hi - lo + 1 of a channel. */
        readonly decodeWidth: number;
      })
    | null;
  /** What sample inputs gave; null without any. */
  readonly calibrated:
    | (LayerTier<'estimate'> & {
        /** Accumulators seen. */
        readonly samples: number;
        /** declaredBits - requiredBits of what was seen; null when nothing is declared. */
        readonly headroom: number | null;
        /** How many times wider the exact interval is than the one seen, in values. */
        readonly timesWider: number;
        /** How often accumulators fell into each bin, ascending. */
        readonly histogram: readonly {
          /** Smallest accumulator of the bin. */
          readonly from: number;
          /** Largest accumulator of the bin. */
          readonly to: number;
          /** Accumulators seen in the bin. */
          readonly count: number;
        }[];
      })
    | null;
  /** Probability of an overflow for random inputs; null where no width is declared. */
  readonly probabilistic: {
    /** It depends on the distribution of the inputs. */
    readonly kind: 'estimate';
    /** Where the distribution of the inputs is from. */
    readonly inputs: 'uniform' | 'calibration';
    /** P(overflow) of one output, the largest over the channels; null when it takes too long to compute. */
    readonly overflowProbability: number | null;
    /** -log2 of it; null where it is 0 or null. 900 stands for 900 or more. */
    readonly minusLog2: number | null;
    /** P(overflow) of one output of each channel; null where it takes too long to compute. */
    readonly channels: readonly (number | null)[];
  } | null;
}

/** All that one lint found. */
export interface LintReport {
  /** All findings, file by file. */
  readonly findings: readonly Finding[];
  /** All convolutions that were analysed. */
  readonly layers: readonly Layer[];
}

/**
 * 0 when all is well, 1 for errors or more warnings than allowed, 2 when something could not be read and that is an error,
 * whatever else was found.
 */
export function lintExitCode({ findings }: LintReport, maxWarnings: number): 0 | 1 | 2 {
  if (findings.some(({ rule, level }) => rule === 'unreadable' && level === 'error')) return 2;
  if (findings.some(({ level }) => level === 'error')) return 1;
  return findings.filter(({ level }) => level === 'warning').length > maxWarnings ? 1 : 0;
}
