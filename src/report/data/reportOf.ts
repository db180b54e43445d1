import type { ErrorDetails } from '../../../compiler/base/errors.ts';
import type { Finding, Layer, LintReport } from '../../lint/finding.ts';
import type { LayerCut, ModelFlow } from '../../model/modelFlow.ts';
import { VERSION } from '../../version.ts';
import { OF_MANY_LAYERS, ONE_LAYER } from '../packing/picture.ts';
import { layerReport, refusedLayer } from './layerReport.ts';
import type { LayerSource } from './layerReport.ts';
import { modelPicture } from './modelPicture.ts';
import type { LayerReport, Report, ReportTotals, WitnessPicture } from './report.ts';

/** One convolution, from a filter config or a plan. */
export interface ConvolutionSubject {
  /** The discriminant. */
  readonly kind: 'convolution';
  /** As messages name it. */
  readonly file: string;
  /** The convolution and its plan. */
  readonly layer: LayerSource;
  /** Findings of the linter. */
  readonly findings: readonly Finding[];
}

/** A whole model. */
export interface ModelSubject {
  /** The discriminant. */
  readonly kind: 'model';
  /** As messages name it. */
  readonly file: string;
  /** Name of the graph. */
  readonly name: string;
  /** Digest of its client plan; null where it could not be compiled. */
  readonly digest: string | null;
  /** Its layers in the order in which they run. */
  readonly layers: readonly LayerSource[];
  /** Layers of which only types are known, and why nothing is compiled for them. */
  readonly openLayers: readonly { readonly layer: Layer; readonly refusal: ErrorDetails }[];
  /** What is computed where; null where it could not be compiled. */
  readonly flow: ModelFlow<LayerCut> | null;
  /** Findings of the linter. */
  readonly findings: readonly Finding[];
}

/** What the linter found, in one file or many. */
interface FindingsSubject {
  /** The discriminant. */
  readonly kind: 'findings';
  /** What was linted. */
  readonly title: string;
  /** What it found. */
  readonly lint: LintReport;
}

/** What a report is made from. */
export type ReportSubject = ConvolutionSubject | ModelSubject | FindingsSubject;

/** Makes the data of a report. Pure and in one go: the layers of a model take most of the time, some 0.1 s each. */
export function reportOf(subject: ReportSubject): Report {
  switch (subject.kind) {
    case 'convolution':
      return reportOfConvolution(subject);
    case 'model':
      return reportOfModel(subject);
    case 'findings':
      return reportOfFindings(subject);
    default:
      return subject satisfies never;
  }
}

const HEAD = { format: 'cipherconv-report', version: 1, program: VERSION } as const;

function reportOfConvolution({ file, layer, findings }: ConvolutionSubject): Report {
  const made = layerReport(layer, file, ONE_LAYER);
  return {
    ...HEAD,
    title: layer.name,
    subject: 'convolution',
    digest: made.outcome.kind === 'encrypted' ? made.outcome.digest : null,
    totals: { ...totalsOf([made], null), rounds: made.outcome.kind === 'encrypted' ? 1 : null },
    graph: null,
    layers: [made],
    findings,
  };
}

function reportOfModel(subject: ModelSubject): Report {
  const { file, name, digest, layers, openLayers, flow, findings } = subject;
  const budget = layers.length > 1 ? OF_MANY_LAYERS : ONE_LAYER;
  const made = [
    ...layers.map((layer) => layerReport(layer, file, budget)),
    ...openLayers.map(({ layer, refusal }) => ({
      name: layer.name,
      op: layer.op,
      convolution: null,
      analysis: layer,
      witness: null,
      outcome: refusedLayer(refusal),
    })),
  ];
  return {
    ...HEAD,
    title: name,
    subject: 'model',
    digest,
    totals: totalsOf(made, flow),
    graph: flow === null ? null : modelPicture(flow),
    layers: made,
    findings,
  };
}

function reportOfFindings({ title, lint }: FindingsSubject): Report {
  const layers = lint.layers.map((layer): LayerReport => {
    const finding = lint.findings.find(
      ({ file, layer: name, witness }) => file === layer.file && name === layer.name && witness !== null,
    );
    return {
      name: layer.name,
      op: layer.op,
      convolution: null,
      analysis: layer,
      witness: witnessOfFinding(finding),
      outcome: { kind: 'linted' },
    };
  });
  return {
    ...HEAD,
    title,
    subject: 'findings',
    digest: null,
    totals: totalsOf(layers, null),
    graph: null,
    layers,
    findings: lint.findings,
  };
}

/** Input channels of a finding's witness that are drawn. */
const WITNESS_CHANNELS = 8;

function witnessOfFinding(finding: Finding | undefined): WitnessPicture | null {
  const witness = finding?.witness ?? null;
  if (witness === null) return null;
  const [channel, row, column] = witness.output;
  return {
    channel,
    cell: [row, column],
    low: witness.low.slice(0, WITNESS_CHANNELS),
    high: witness.high.slice(0, WITNESS_CHANNELS),
    channels: witness.high.length,
  };
}

function totalsOf(layers: readonly LayerReport[], flow: ModelFlow<LayerCut> | null): ReportTotals {
  const outcomes = layers.map(({ outcome }) => outcome);
  const encrypted = outcomes.filter((outcome) => outcome.kind === 'encrypted');
  const sum = (of: (layer: (typeof encrypted)[number]) => number): number =>
    encrypted.reduce((total, layer) => total + of(layer), 0);
  return {
    encrypted: encrypted.length,
    refused: outcomes.filter(({ kind }) => kind === 'refused').length,
    clear: flow?.clear.length ?? 0,
    upload: sum(({ bytes }) => bytes.upload),
    response: sum(({ bytes }) => bytes.response),
    once: sum(({ keyBytes, protocol }) => keyBytes + (protocol?.own.onceBytes ?? 0)),
    estimatedMilliseconds: sum(
      ({ protocol, search }) => protocol?.own.onlineMilliseconds ?? search.estimatedMilliseconds,
    ),
    rounds: flow?.rounds.length ?? null,
    macs: flow?.macs ?? null,
  };
}
