import { analyzeAccumulator } from '../../../compiler/accumulator/exact.ts';
import type { AccumulatorAnalysis } from '../../../compiler/accumulator/exact.ts';
import { CipherconvError } from '../../../compiler/base/errors.ts';
import type { ErrorDetails } from '../../../compiler/base/errors.ts';
import { coeffModulusBits } from '../../../compiler/bfv/parameters.ts';
import { outputShape } from '../../../compiler/convolution/shape.ts';
import type { ConvSpec } from '../../../compiler/convolution/spec.ts';
import { keyBytes, kernelOf, uploadForm } from '../../../compiler/lowerings/plan.ts';
import type { Plan } from '../../../compiler/lowerings/plan.ts';
import type { StoredPlan } from '../../frontend/planFile.ts';
import { analyze } from '../../lint/analyze.ts';
import type { Layer } from '../../lint/finding.ts';
import { layerOf } from '../../lint/layer.ts';
import { witnessOf } from '../../lint/witness.ts';
import { loweringReport } from '../loweringReport.ts';
import { noiseReport } from '../noiseReport.ts';
import { packingPicture } from '../packing/picture.ts';
import type { PictureBudget } from '../packing/picture.ts';
import { protocolReport } from '../protocolReport.ts';
import type { ProtocolReport } from '../protocolReport.ts';
import type {
  ConvolutionFacts,
  CostPart,
  EncryptedLayer,
  LayerReport,
  RefusedLayer,
  WitnessPicture,
} from './report.ts';
import { reasonsOf } from './why.ts';

/** A convolution to report on. */
export interface LayerSource {
  /** Of the node, or the config. */
  readonly name: string;
  /** Operator of the node, or ConvInteger for a filter config. */
  readonly op: string;
  /** The convolution, weights included. */
  readonly spec: ConvSpec;
  /** Its plan, or why there is none. */
  readonly compiled: StoredPlan | ErrorDetails;
  /** What the linter says of it, sample inputs counted; null: it is analysed here, without any. */
  readonly analysis: Layer | null;
}

/**
 * The report of one convolution. Compiles it again, otherwise than its plan was, to compare.
 * @param file as messages name it
 */
export function layerReport(source: LayerSource, file: string, budget: PictureBudget): LayerReport {
  const { name, op, spec, compiled, analysis } = source;
  const accumulator = analyzeAccumulator(spec);
  return {
    name,
    op,
    convolution: convolutionFacts(spec),
    analysis: analysis ?? layerOf(file, source, analyze(spec)),
    witness: witnessPicture(spec, accumulator, budget),
    outcome: 'plan' in compiled ? encryptedLayer(compiled, accumulator, budget) : refusedLayer(compiled),
  };
}

/** What an error is in a report; an internal one is none. */
export function refusalOf(error: unknown): ErrorDetails {
  if (error instanceof CipherconvError && error.code !== 'internal') return error.details;
  throw error;
}

export function refusedLayer({ code, message, expected, found, hint }: ErrorDetails): RefusedLayer {
  return {
    kind: 'refused',
    code,
    message,
    ...(expected === undefined ? {} : { expected }),
    ...(found === undefined ? {} : { found }),
    ...(hint === undefined ? {} : { hint }),
  };
}

function convolutionFacts(spec: ConvSpec): ConvolutionFacts {
  const { input, weights, strides, pads, dilations, group } = spec;
  const { outChannels, channelsPerGroup, kernelHeight, kernelWidth, bits, signed } = weights;
  return {
    input,
    weights: { outChannels, channelsPerGroup, kernelHeight, kernelWidth, bits, signed },
    output: outputShape(spec),
    strides,
    pads,
    dilations,
    group,
  };
}

/** Taps that a witness is drawn of. */
const WITNESS_TAPS = 32 * 32;

/** Null for kernels that are too large to draw. */
function witnessPicture(
  spec: ConvSpec,
  accumulator: AccumulatorAnalysis,
  { witnessChannels }: PictureBudget,
): WitnessPicture | null {
  const { channelsPerGroup, kernelHeight, kernelWidth } = spec.weights;
  if (kernelHeight * kernelWidth > WITNESS_TAPS) return null;
  const { channels } = accumulator;
  const width = (channel: number): number => channels[channel]!.interval.hi - channels[channel]!.interval.lo;
  const channel = channels.reduce((widest, _, index) => (width(index) > width(widest) ? index : widest), 0);
  const { output, low, high } = witnessOf(spec, accumulator, channel, 'high');
  return {
    channel,
    cell: [output[1], output[2]],
    low: low.slice(0, witnessChannels),
    high: high.slice(0, witnessChannels),
    channels: channelsPerGroup,
  };
}

function encryptedLayer(
  { plan, digest }: StoredPlan,
  accumulator: AccumulatorAnalysis,
  budget: PictureBudget,
): EncryptedLayer {
  const noise = noiseReport(plan);
  const protocol = protocolReport(plan);
  const { considered, estimatedMilliseconds, refused } = plan.report;
  return {
    kind: 'encrypted',
    digest,
    parameters: plan.parameters,
    coeffModulusBits: coeffModulusBits(plan.parameters),
    why: reasonsOf(plan, noise),
    windows: plan.windows,
    lowering: loweringReport(plan),
    kernel: kernelOf(plan),
    upload: uploadForm(plan),
    noise,
    predictedBudgetBits: plan.noise.predictedBudgetBits,
    counts: plan.counts,
    bytes: plan.bytes,
    keyBytes: keyBytes(plan),
    milliseconds: costParts(plan, protocol),
    protocol,
    search: { considered, objective: plan.request.objective, estimatedMilliseconds, refused },
    packing: packingPicture(plan, budget, accumulator),
  };
}

function costParts(plan: Plan, protocol: ProtocolReport | null): CostPart[] {
  if (protocol === null) {
    const { estimatedMilliseconds: milliseconds } = plan.report;
    return [{ name: 'client and server', milliseconds, when: 'online', protocol: 'standard' }];
  }
  const costs = 'refused' in protocol.other ? [protocol.own] : [protocol.own, protocol.other];
  return costs.flatMap((cost): CostPart[] => {
    const part = (name: string, milliseconds: number, when: CostPart['when']): CostPart[] =>
      milliseconds === 0 ? [] : [{ name, milliseconds, when, protocol: cost.protocol }];
    return [
      ...part('from input to result', cost.onlineMilliseconds, 'online'),
      ...part('masks and keys before it', cost.offlineMilliseconds, 'offline'),
      ...part('hint on the server', cost.onceMilliseconds, 'once'),
    ];
  });
}
