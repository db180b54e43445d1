import type { Interval, Width } from '../../compiler/base/interval.ts';
import type { ConvSpec } from '../../compiler/convolution/spec.ts';
import type { JsonPath, Position } from '../frontend/positions.ts';
import type { TensorLayout } from '../frontend/schema.ts';
import type { Analysis } from './analyze.ts';
import type { ConfigurableRule, Level, WideInteger, Witness } from './finding.ts';

/** One convolution of a file, and where its parts stand in it. */
export interface SourceLayer {
  readonly name: string;
  /** ONNX operator; a filter config is a ConvInteger. */
  readonly op: string;
  readonly spec: ConvSpec;
  /** Axis order of input tensors outside. */
  readonly layout: TensorLayout;
  /** Line and column of a key; null where the format has none, as models. */
  readonly locate: (path: JsonPath) => Position | null;
  /** `outside`: what a user gives. `inner`: what other layers make, which sample inputs say nothing about. */
  readonly inputs: 'outside' | 'inner';
  /** Where the width of its accumulator is declared: in the file, or, where the format has no place, by an option. */
  readonly declares: 'in-file' | 'by-option';
  /** Where the weights of an output channel stand. */
  readonly weightPath: (channel: number) => JsonPath;
}

/** A node of a model that cannot be compiled. */
interface UnsupportedNode {
  readonly name: string;
  readonly op: string;
  /** What about it, such as `attribute auto_pad = "NOTSET"`. */
  readonly reason: string;
}

/** A layer of a model whose weights are not in it: only types are known. */
export interface OpenSourceLayer {
  readonly name: string;
  readonly op: string;
  readonly taps: number;
  readonly outputChannels: number;
  /** Any weight times any input, zero points taken off; a bias of any channel. */
  readonly product: Interval;
  readonly bias: Interval;
  readonly declared: Width;
  /** What would have to be given. */
  readonly missing: readonly string[];
}

/** What a file holds for the linter. The readers of `sources.ts` make it, whatever the format. */
export interface LintSource {
  readonly file: string;
  readonly layers: readonly SourceLayer[];
  readonly openLayers: readonly OpenSourceLayer[];
  readonly unsupported: readonly UnsupportedNode[];
}

/** What rules may be told. */
export interface RuleOptions {
  /** Bits of headroom that `low-headroom` asks for. */
  readonly headroomBits: number;
}

/** What a rule looks at. */
export interface Subject extends SourceLayer {
  readonly analysis: Analysis;
  readonly options: RuleOptions;
  /** Bits that the widest layer of the file needs where one option holds for all of them; 0 where each declares its own. */
  readonly sharedBits: number;
}

/** What a rule found; lint.ts makes a `Finding` of it. */
export interface Draft {
  readonly message: string;
  readonly hint: string | null;
  /** The offending key. */
  readonly path: JsonPath;
  /** What an editor underlines, where that is not the key: usually the weights. */
  readonly underline?: JsonPath;
  readonly interval?: Interval | readonly [lo: WideInteger, hi: WideInteger];
  readonly requiredBits?: number | null;
  readonly witness?: Witness;
  /** The width that the hint says to declare first, and of what. */
  readonly declare?: { readonly of: 'accumulator' | 'weights'; readonly width: Width };
}

/** A rule: findings about one convolution, from data alone. */
export interface Rule {
  readonly name: ConfigurableRule;
  /** Level unless chosen otherwise. */
  readonly level: Level;
  /** What it finds, in one sentence. */
  readonly summary: string;
  readonly check: (subject: Subject) => Draft[];
}
