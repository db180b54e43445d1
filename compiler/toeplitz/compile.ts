import type { ConvSpec } from '../convolution/spec.ts';
import type { CompileOptions, Draft } from '../lowering/assemble.ts';
import type { ToeplitzPlan, DirectLanes } from './plan.ts';
import { analyzeAccumulator } from '../accumulator/exact.ts';
import { refuseOverflow, COMPILER_VERSION, planAnalysis, decodeWindows } from '../lowering/assemble.ts';
import { searchPacking } from './search.ts';
import type { Parameters } from '../bfv/parameters.ts';
import { buildToeplitz, rowNorms } from './program.ts';
import { resultNoise } from './noise.ts';
import { noiseInput } from './plan.ts';
import { predictedBudgetBits, NOTHING_DROPPED } from '../bfv/noise.ts';
import { dataModulus } from '../bfv/parameters.ts';
import type { Kernel, UploadForm } from '../lowering/plan.ts';
import type { SearchRequest, SearchResult } from './search.ts';
import { DEFAULT_LINK_MEGABITS_PER_SECOND, chooseUploadForm } from './uploadForm.ts';
import { DEGREES, largestModulusBits } from '../bfv/security.ts';
import { CipherconvError, internalError } from '../base/errors.ts';
import { centredWeights, outputShape } from '../convolution/spec.ts';
import { centredLift } from '../rings/residues.ts';
import { LARGEST_DIRECT_WEIGHT, analyzeLanes } from './direct/lanes.ts';
import type { ToeplitzProgram } from './program.ts';
import type { DroppedBits } from '../bfv/noise.ts';
import {
  countToeplitzBytes,
  countToeplitzOperations,
  toeplitzTransfer,
  travellingCoefficients,
} from './counts.ts';
import { chooseWire } from './dropBits.ts';
import { elementCount } from '../base/tensor.ts';
import { axisShapes, axisLayout } from './packing.ts';

/**
 * A toeplitz plan, not yet proved: exact analysis, smallest t, packing search with the smallest q for each candidate,
 * program.
 * @throws CipherconvError `overflow` or `beyond-bfv`.
 */
export function compileToeplitz(
  spec: ConvSpec,
  options: CompileOptions = {},
): Draft<ToeplitzPlan, ToeplitzProgram> {
  const analysis = analyzeAccumulator(spec);
  refuseOverflow(spec, analysis);
  const plainModulus = Math.max(2, analysis.decodeWidth);
  const request = searchRequest(spec, plainModulus, options);
  const found = searchPacking(request);
  const program = buildToeplitz(spec, found.packing, plainModulus);
  const modulus = finalModulus(request, found, program);
  const parameters: Parameters = {
    degree: found.degree,
    plainModulus,
    dataPrimes: modulus.dataPrimes.map(String),
    specialPrime: found.specialPrime === null ? null : String(found.specialPrime),
    securityBits: request.securityBits,
  };
  const noise = { failure: request.failure, ...rowNorms(program) };
  const wire = { ...modulus.dropped, upload: uploadForm(parameters, found.kernel, request, options) };
  const { response } = resultNoise(noiseInput({ spec, parameters, noise, wire }));
  const plan: ToeplitzPlan = {
    format: 'cipherconv-plan',
    version: 2,
    compiler: COMPILER_VERSION,
    spec,
    analysis: planAnalysis(analysis),
    parameters,
    packing: found.packing,
    kernel: found.kernel,
    direct: found.kernel === 'direct' ? directLanes(parameters, program) : null,
    windows: decodeWindows(spec, analysis),
    transfer: toeplitzTransfer(program),
    wire,
    noise: {
      ...noise,
      predictedBudgetBits: predictedBudgetBits(dataModulus(parameters), plainModulus, response),
    },
    counts: countToeplitzOperations(program, found.kernel),
    bytes: countToeplitzBytes(program, parameters, wire),
    report: {
      objective: request.objective,
      considered: found.considered,
      estimatedMilliseconds: found.estimate.milliseconds,
      refused: found.refused,
    },
  };
  return { plan, program };
}

/** How uploads travel: as the options say, or by cost. */
function uploadForm(
  parameters: Parameters,
  kernel: Kernel,
  { objective }: SearchRequest,
  { upload = 'auto', linkMegabitsPerSecond = DEFAULT_LINK_MEGABITS_PER_SECOND }: CompileOptions,
): UploadForm {
  return upload === 'auto'
    ? chooseUploadForm({ parameters, kernel, objective, linkMegabitsPerSecond })
    : upload;
}

function searchRequest(spec: ConvSpec, plainModulus: number, options: CompileOptions): SearchRequest {
  return {
    shape: spec,
    plainModulus,
    ...channelNorms(spec, plainModulus),
    objective: options.objective ?? 'latency',
    securityBits: options.security ?? 128,
    failure: options.failure ?? 'never',
    degrees: options.degree === undefined ? DEGREES : [options.degree],
    kernels: kernelsFor(spec, plainModulus, wantedKernel(options)),
  };
}

/**
 * The kernel asked for: whole uploads are the direct one's, see uploadForm.ts.
 * @throws CipherconvError `unsupported` for whole uploads with the ntt kernel.
 */
function wantedKernel({ kernel = 'auto', upload }: CompileOptions): Kernel | 'auto' {
  if (upload !== 'whole' || kernel === 'direct') return kernel;
  if (kernel === 'auto') return 'direct';
  throw new CipherconvError({
    code: 'unsupported',
    where: 'upload',
    message: 'the ntt kernel does not take whole uploads',
    hint: 'take seeded uploads, or the direct kernel',
  });
}

/**
 * The kernels to choose from: weights wider than 16 bits are the ntt kernel's.
 * @throws CipherconvError `unsupported` where the direct one is asked for and cannot be.
 */
function kernelsFor(spec: ConvSpec, plainModulus: number, wanted: Kernel | 'auto'): Kernel[] {
  if (wanted === 'ntt') return ['ntt'];
  const largest = centredWeights(spec.weights).reduce(
    (most, weight) => Math.max(most, Math.abs(centredLift(weight, plainModulus))),
    0,
  );
  if (largest <= LARGEST_DIRECT_WEIGHT) return wanted === 'auto' ? ['ntt', 'direct'] : ['direct'];
  if (wanted === 'auto') return ['ntt'];
  throw new CipherconvError({
    code: 'unsupported',
    where: 'kernel',
    message: 'the direct kernel does not take weights so large',
    expected: `weights minus zero point within [-${LARGEST_DIRECT_WEIGHT}, ${LARGEST_DIRECT_WEIGHT}]`,
    found: `one of size ${largest}`,
    hint: 'take the ntt kernel',
  });
}

/** The lanes of a plan whose weights `kernelsFor` has let through. */
function directLanes(parameters: Parameters, program: ToeplitzProgram): DirectLanes {
  const analysis = analyzeLanes(parameters, program);
  if (analysis.kind === 'possible') return analysis.lanes;
  throw internalError(`no lanes for the direct kernel: ${analysis.found}, not ${analysis.expected}`);
}

/**
 * q and what need not travel. The search has found the smallest q for the noise of the products; here the rounding of
 * the wire joins, for one prime. With several primes everything travels.
 */
function finalModulus(
  request: SearchRequest,
  found: SearchResult,
  program: ToeplitzProgram,
): { dataPrimes: readonly bigint[]; dropped: DroppedBits } {
  const [prime] = found.dataPrimes;
  if (found.dataPrimes.length !== 1 || prime === undefined)
    return { dataPrimes: found.dataPrimes, dropped: NOTHING_DROPPED };
  const output = outputShape(request.shape);
  const coefficients = travellingCoefficients(program);
  const choice = chooseWire({
    degree: found.degree,
    plainModulus: request.plainModulus,
    noise: {
      degree: found.degree,
      plainModulus: request.plainModulus,
      failure: request.failure,
      ...rowNorms(program),
      coefficients: elementCount([output.batch, output.channels, output.height, output.width]),
    },
    prime,
    objective: request.objective,
    allowedBits: largestModulusBits(found.degree, request.securityBits),
    coefficients,
  });
  return { dataPrimes: [choice.prime], dropped: choice.dropped };
}

/** For every kernel tap a * kW + e whether some output reads the image through it. */
function visibleTaps(spec: ConvSpec): boolean[] {
  const { kernelHeight, kernelWidth } = spec.weights;
  const axes = axisShapes(spec);
  const rows = new Set(axisLayout(axes.rows, 1, axes.rows.outputSize).taps.map(({ tap }) => tap));
  const columns = new Set(axisLayout(axes.columns, 1, axes.columns.outputSize).taps.map(({ tap }) => tap));
  return Array.from(
    { length: kernelHeight * kernelWidth },
    (_, tap) => rows.has(Math.floor(tap / kernelWidth)) && columns.has(tap % kernelWidth),
  );
}

/**
 * Norms of each output channel's weights in SEAL's centred lift, which is what the noise grows by. Taps that never fall on
 * the image are in no polynomial and do not count.
 */
function channelNorms(
  spec: ConvSpec,
  plainModulus: number,
): { channelL1: number[]; channelL2Squared: number[] } {
  const channelL1 = new Array<number>(spec.weights.outChannels).fill(0);
  const channelL2Squared = new Array<number>(spec.weights.outChannels).fill(0);
  const centred = centredWeights(spec.weights);
  const perOutput = centred.length / channelL1.length;
  const visible = visibleTaps(spec);
  centred.forEach((weight, index) => {
    if (visible[index % visible.length] !== true) return;
    const channel = Math.floor(index / perOutput);
    const lifted = Math.abs(centredLift(weight, plainModulus));
    channelL1[channel]! += lifted;
    channelL2Squared[channel]! += lifted * lifted;
  });
  return { channelL1, channelL2Squared };
}
