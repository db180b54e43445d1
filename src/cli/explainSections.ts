import { requiredWidth } from '../../compiler/base/interval.ts';
import { keyBytes, kernelOf, uploadForm } from '../../compiler/lowerings/plan.ts';
import type { Plan } from '../../compiler/lowerings/plan.ts';
import { buildToeplitz } from '../../compiler/toeplitz/program.ts';
import { fitsTransforms } from '../../runtime/evaluator/rowShape.ts';
import { longWork } from '../../runtime/longWork.ts';
import type { StoredPlan } from '../frontend/planFile.ts';
import { loweringReportLines, refusalReason } from '../report/loweringReport.ts';
import { protocolReportLines } from '../report/protocolReport.ts';
import type { PlanReports } from './planReports.ts';
import { noiseReportLines } from '../report/noiseReport.ts';
import { packingLines } from './packingText.ts';
import { describeInterval, describeModulus, describeSpec, describeWidth, plural } from './planText.ts';

/** Channels listed one by one; more are summed up. */
const MOST_CHANNELS = 8;

function accumulatorLines(plan: Plan): string[] {
  const { channels, interval, decodeWidth } = plan.analysis;
  const declared = plan.spec.accumulator;
  const shown = channels
    .slice(0, MOST_CHANNELS)
    .map((channel, index) => `  channel ${index}: ${describeInterval(channel)}`);
  const rest = channels.length - shown.length;
  const widest = channels.reduce((most, channel) => Math.max(most, requiredWidth(channel).bits), 0);
  return [
    `all channels: ${describeInterval(interval)}`,
    ...(channels.length > 1 ? shown : []),
    ...(rest > 0 ? [`  and ${rest} more, the widest of all needs ${plural(widest, 'bit')}`] : []),
    declared === null ? 'no width was declared' : `fits the declared ${describeWidth(declared)}`,
    `the widest channel takes ${decodeWidth} values, so t = ${plan.parameters.plainModulus}`,
  ];
}

function noiseLines({ noise }: Plan): string[] {
  return [
    `largest row of weights: L1 norm ${noise.rowL1}; noise budget left: at least ${plural(noise.predictedBudgetBits, 'bit')}`,
    noise.failure === 'never'
      ? 'decryption of an honest result cannot fail'
      : 'decryption of an honest result fails with probability at most 2^-128',
  ];
}

/** Whether the ntt kernel is our own for the plan: as it is opened (runtime/evaluator/kernels.ts). */
function isOurs(plan: Plan): boolean {
  return (
    plan.lowering === 'toeplitz' &&
    uploadForm(plan) === 'seeded' &&
    fitsTransforms(
      plan,
      longWork(() => buildToeplitz(plan)),
    )
  );
}

/** What executes the products, and how the direct kernel's lanes were proved wide enough. */
function kernelLines(plan: Plan): string[] {
  const execution = plan.lowering === 'toeplitz' ? plan.execution : { kernel: kernelOf(plan) };
  if (!('lanes' in execution)) {
    const whose = isOurs(plan) ? 'our own ring arithmetic' : "SEAL's evaluator";
    return [`kernel ${execution.kernel}: ${whose}, everything in NTT form`];
  }
  const { limbBits, limbs, laneL1, folds } = execution.lanes;
  return [
    `kernel direct: coefficients in ${plural(limbs, 'limb')} of ${plural(limbBits, 'bit')}, summed in 32-bit lanes`,
    `a lane holds a norm of ${laneL1}, the largest row has ${plan.noise.rowL1}: ${plural(folds, 'sum')} a row`,
  ];
}

function costLines(plan: Plan): string[] {
  const { bytes, counts, report, request } = plan;
  const { refused } = report;
  const keys = keyBytes(plan);
  return [
    `${plural(counts.inputCiphertexts, 'ciphertext')} in (${bytes.upload} bytes), ` +
      `${plural(counts.outputCiphertexts, 'ciphertext')} out (${bytes.response} bytes), ` +
      (keys === 0 ? 'no evaluation keys' : `evaluation keys of ${plural(keys, 'byte')}, once`),
    `${plural(counts.products, 'product')}, ${plural(counts.ntt, 'transform')}, ${plural(counts.rotations, 'rotation')}, ` +
      plural(counts.weightPlaintexts, 'weight polynomial'),
    `cheapest of ${plural(report.considered, 'candidate')} for ${request.objective}: about ${report.estimatedMilliseconds.toFixed(2)} ms by the cost model`,
    refused.length === 0 ? 'nothing was refused' : 'refused:',
    ...refused.map((candidate) => `  N = ${candidate.degree}: ${refusalReason(candidate)}`),
  ];
}

/** A title, and lines of text. */
export type Section = readonly [title: string, lines: readonly string[]];

/** What a person reads about a plan, section by section. */
export function explainSections(
  { plan, layout }: Pick<StoredPlan, 'plan' | 'layout'>,
  { noise, lowering, protocol }: PlanReports,
): readonly Section[] {
  const { parameters } = plan;
  return [
    ['Convolution', [...describeSpec(plan.spec), `layout   ${layout} in files`]],
    ['Accumulator', accumulatorLines(plan)],
    [
      'Parameters',
      [
        `N = ${parameters.degree}, t = ${parameters.plainModulus}, q of ${describeModulus(plan)}`,
        `primes ${[...parameters.dataPrimes, ...(parameters.specialPrime === null ? [] : [parameters.specialPrime])].join(', ')}`,
        ...noiseLines(plan),
      ],
    ],
    [`Noise, ${plan.noise.failure === 'never' ? 'worst case, ' : ''}log2`, noiseReportLines(noise)],
    ['Lowering', loweringReportLines(lowering)],
    ...(protocol === null ? [] : [['Protocol', protocolReportLines(protocol)] as Section]),
    ['Packing', packingLines(plan)],
    ['Kernel', kernelLines(plan)],
    ['Cost', costLines(plan)],
  ];
}
