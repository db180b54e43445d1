import type { ErrorDetails } from '../../../compiler/base/errors.ts';
import type { OutputShape, InputSpec, WeightShape } from '../../../compiler/convolution/shape.ts';
import type {
  DecodeWindows,
  Kernel,
  PlanBytes,
  PlanCounts,
  Protocol,
  RefusedCandidate,
  UploadForm,
} from '../../../compiler/lowering/plan.ts';
import type { Parameters } from '../../../compiler/bfv/parameters.ts';
import type { Objective } from '../../../compiler/cost/estimate.ts';
import type { Finding, Layer } from '../../lint/finding.ts';
import type { Macs } from '../../model/modelFlow.ts';
import type { LoweringReport } from '../loweringReport.ts';
import type { NoiseReport } from '../noiseReport.ts';
import type { PackingPicture } from '../packing/picture.ts';
import type { ProtocolReport } from '../protocolReport.ts';

/**
 * What a report says, as plain data: `report --json` prints it, and html/document.ts draws it. This folder and `html` are
 * pure: they run in browsers as they do in Node.
 */
export interface Report {
  /** Mark of reports. */
  readonly format: 'cipherconv-report';
  /** Version of this format. */
  readonly version: 1;
  /** Version of the program that made it. */
  readonly program: string;
  /** What it is about: name of a convolution, of a model, or of what was linted. */
  readonly title: string;
  /** What was given. */
  readonly subject: 'convolution' | 'model' | 'findings';
  /** Digest of the plan or client plan; null where nothing was compiled. */
  readonly digest: string | null;
  /** Totals of all layers. */
  readonly totals: ReportTotals;
  /** What is computed where; null for anything but models. */
  readonly graph: ModelPicture | null;
  /** Convolutions, in the order in which they run. */
  readonly layers: readonly LayerReport[];
  /** Findings of the linter. */
  readonly findings: readonly Finding[];
}

/** Totals over all layers that are compiled. */
export interface ReportTotals {
  /** Layers that are encrypted. */
  readonly encrypted: number;
  /** Layers that could not be compiled. */
  readonly refused: number;
  /** Nodes that the client computes in the clear although they may be linear. */
  readonly clear: number;
  /** Bytes of one inference. */
  readonly upload: number;
  /** Bytes of one inference. */
  readonly response: number;
  /** Bytes that travel once: evaluation keys and hints. */
  readonly once: number;
  /** Estimated milliseconds of one inference, one thread, on the machine of the cost table. */
  readonly estimatedMilliseconds: number;
  /** Times something goes to the server and back; null where nothing is compiled. */
  readonly rounds: number | null;
  /** Multiply-accumulates; null where they are not known. */
  readonly macs: Macs | null;
}

/** A model as it is cut: stages from top to bottom, and what flows between them. */
export interface ModelPicture {
  /** Boxes. */
  readonly nodes: readonly PictureNode[];
  /** Tensors that go from one box to another. */
  readonly edges: readonly PictureEdge[];
}

/** A box of the graph. */
export interface PictureNode {
  /** Its row, from 0. */
  readonly row: number;
  /** What it is: an input or output of the model, an encrypted layer, or what the client computes between layers. */
  readonly kind: 'input' | 'output' | 'encrypted' | 'clear' | 'refused';
  /** Name of the layer or tensor. */
  readonly name: string;
  /** Operators in it, with how often each occurs, most frequent first. */
  readonly operators: readonly OperatorCount[];
  /** Nodes in it that would be linear, or are of unknown operators, and why they are in the clear. */
  readonly refused: readonly { readonly name: string; readonly op: string; readonly reason: string }[];
  /** Position in `Report.layers`; null where it is none. */
  readonly layer: number | null;
}

/** An operator and how often it occurs. */
export interface OperatorCount {
  /** Name of the operator. */
  readonly op: string;
  /** How often. */
  readonly count: number;
}

/** A tensor between two boxes. */
export interface PictureEdge {
  /** Position of the box that makes it. */
  readonly from: number;
  /** Position of the box that reads it. */
  readonly to: number;
  /** Name of the tensor. */
  readonly tensor: string;
}

/** One convolution. */
export interface LayerReport {
  /** Of the node, or the config. */
  readonly name: string;
  /** Operator of the node, or ConvInteger for a filter config. */
  readonly op: string;
  /** The convolution without its weights; null where only types are known. */
  readonly convolution: ConvolutionFacts | null;
  /** The bounds of its accumulator, tier by tier, as `lint --format json` has them. */
  readonly analysis: Layer;
  /** Inputs that drive the widest channel to its ends; null where weights are not known. */
  readonly witness: WitnessPicture | null;
  /** What it was compiled to, or why it was not. */
  readonly outcome: EncryptedLayer | RefusedLayer | LintedLayer;
}

/** A convolution without its weights. */
export interface ConvolutionFacts {
  /** What enters. */
  readonly input: InputSpec;
  /** The filter's shape. */
  readonly weights: WeightShape;
  /** What comes out. */
  readonly output: OutputShape;
  /** [vertical, horizontal]. */
  readonly strides: readonly [number, number];
  /** [top, left, bottom, right]. */
  readonly pads: readonly [number, number, number, number];
  /** [vertical, horizontal]. */
  readonly dilations: readonly [number, number];
  /** Groups. */
  readonly group: number;
}

/** Patches of the input under the kernel. */
export interface WitnessPicture {
  /** Output channel that they drive. */
  readonly channel: number;
  /** [row, column] of the output that reaches the high end. */
  readonly cell: readonly [row: number, column: number];
  /** Raw inputs that reach the low end, [channel of the group][row][column], the first channels. */
  readonly low: readonly (readonly (readonly number[])[])[];
  /** The same for the high end. */
  readonly high: readonly (readonly (readonly number[])[])[];
  /** Input channels in all; more than are in the patches where those are cut. */
  readonly channels: number;
}

/** A convolution with its plan. */
export interface EncryptedLayer {
  /** The discriminant. */
  readonly kind: 'encrypted';
  /** Digest of the plan. */
  readonly digest: string;
  /** BFV parameters. */
  readonly parameters: Parameters;
  /** Bits of every prime, a special one included. */
  readonly coeffModulusBits: readonly number[];
  /** Why t, q and N are what they are, in a sentence each. */
  readonly why: { readonly t: string; readonly q: string; readonly N: string };
  /** How residues become accumulators. */
  readonly windows: DecodeWindows;
  /** How the product is computed. */
  readonly lowering: LoweringReport;
  /** What computes it. */
  readonly kernel: Kernel;
  /** How uploads travel. */
  readonly upload: UploadForm;
  /** From a fresh encryption to what decryption meets. */
  readonly noise: NoiseReport;
  /** Noise budget that results have left at least, bits. */
  readonly predictedBudgetBits: number;
  /** Operations of one run. */
  readonly counts: PlanCounts;
  /** Bytes of one run. */
  readonly bytes: PlanBytes;
  /** Bytes of evaluation keys, once. */
  readonly keyBytes: number;
  /** Estimated milliseconds, part by part. */
  readonly milliseconds: readonly CostPart[];
  /** Both protocols; null for plans that have but one. */
  readonly protocol: ProtocolReport | null;
  /** What the search came to. */
  readonly search: {
    /** Candidates whose cost was computed. */
    readonly considered: number;
    /** What was minimized. */
    readonly objective: Objective;
    /** Milliseconds by the cost model. */
    readonly estimatedMilliseconds: number;
    /** Candidates that were not taken. */
    readonly refused: readonly RefusedCandidate[];
  };
  /** Which element sits where, and what is computed of it. */
  readonly packing: PackingPicture;
}

/** A part of what a run costs. */
export interface CostPart {
  /** What takes it. */
  readonly name: string;
  /** Estimated milliseconds. */
  readonly milliseconds: number;
  /** Whether every inference takes it, before or after its input is known, or the plan once. */
  readonly when: 'online' | 'offline' | 'once';
  /** The protocol that it belongs to. */
  readonly protocol: Protocol;
}

/** A convolution that could not be compiled. */
export interface RefusedLayer extends Pick<ErrorDetails, 'code' | 'message' | 'expected' | 'found' | 'hint'> {
  /** The discriminant. */
  readonly kind: 'refused';
}

/** A convolution that was only linted. */
interface LintedLayer {
  /** The discriminant. */
  readonly kind: 'linted';
}
