import type { Steps } from '../base/steps.ts';
import { CipherconvError, internalError } from '../base/errors.ts';
import { predictedBudgetBits } from '../bfv/noise.ts';
import type { DroppedBits } from '../bfv/noise.ts';
import { dataModulus } from '../bfv/parameters.ts';
import type { Parameters } from '../bfv/parameters.ts';
import { DEGREES, largestModulusBits } from '../bfv/security.ts';
import { centredWeights } from '../convolution/spec.ts';
import type { ConvSpec } from '../convolution/spec.ts';
import { commonFields, parameterFacts } from '../lowering/assemble.ts';
import type { CompileDemand, Draft } from '../lowering/lowering.ts';
import type { Kernel, PlanRequest, Protocol } from '../lowering/plan.ts';
import { centredLift } from '../rings/residues.ts';
import {
  countToeplitzBytes,
  countToeplitzOperations,
  toeplitzTransfer,
  travellingCoefficients,
} from './counts.ts';
import type { TravellingCoefficients } from './counts.ts';
import { analyzeLanes, LARGEST_DIRECT_WEIGHT } from './direct/lanes.ts';
import { chooseWire } from './dropBits.ts';
import { bestHintWire, hintWires } from './hintWire.ts';
import { resultNoise } from './noise.ts';
import type { ResultNoiseInput } from './noise.ts';
import { axisLayout, axisShapes } from './packing.ts';
import { digitShift, noiseInput, wireOf } from './plan.ts';
import type { DirectLanes, Execution, ToeplitzPlan } from './plan.ts';
import { buildToeplitz, rowNorms } from './program.ts';
import type { ToeplitzProgram } from './program.ts';
import { searchPacking } from './search.ts';
import type { SearchRequest } from './degreeCandidates.ts';
import type { SearchResult } from './search.ts';
import { chooseUploadForm } from './uploadForm.ts';
import { wantedKernel } from './wanted.ts';

/**
 * A toeplitz plan of a protocol, not yet proved: smallest t, packing search with the smallest q for each candidate, program.
 * @throws CipherconvError `beyond-bfv`, or `unsupported` for a kernel that does not take the weights.
 */
export function* compileUnder(
  demand: CompileDemand,
  protocol: Protocol,
): Steps<Draft<ToeplitzPlan, ToeplitzProgram>> {
  const { spec, outputElements } = demand;
  const plainModulus = Math.max(2, demand.analysis.decodeWidth);
  const request = searchRequest(demand, plainModulus, protocol);
  const found = yield* searchPacking(request);
  const { packing } = found;
  observePacking(demand, found);
  yield;
  const program = buildToeplitz({ spec, packing, parameters: { degree: found.degree, plainModulus } });
  yield;
  const norms = rowNorms(program);
  const { plaintexts, blockGroups, rows } = program;
  demand.observe({
    name: 'program',
    lowering: 'toeplitz',
    made: { plaintexts: plaintexts.length, rows: rows.length, blockGroups: blockGroups.length, ...norms },
  });
  yield;
  const measured = { ...norms, coefficients: outputElements };
  const modulus = finalModulus(request, found, travellingCoefficients(program, protocol), measured);
  const parameters: Parameters = {
    degree: found.degree,
    plainModulus,
    dataPrimes: modulus.dataPrimes.map(String),
    specialPrime: null,
    securityBits: request.securityBits,
  };
  demand.observe({ name: 'parameters', lowering: 'toeplitz', made: parameterFacts(parameters) });
  const noise = { failure: request.failure, ...norms };
  const wire = modulus.dropped;
  const execution = executionOf(
    demand.request,
    { protocol, kernel: found.kernel, dropped: wire },
    parameters,
    program,
  );
  yield;
  const { response } = resultNoise(
    noiseInput({ spec, parameters, noise, wire: wireOf({ wire, execution }) }),
  );
  const budget = predictedBudgetBits(dataModulus(parameters), plainModulus, response);
  const plan: ToeplitzPlan = {
    ...commonFields(demand),
    lowering: 'toeplitz',
    parameters,
    packing,
    execution,
    transfer: toeplitzTransfer(program),
    wire,
    noise: { ...noise, predictedBudgetBits: budget },
    counts: countToeplitzOperations(program, found.kernel),
    bytes: countToeplitzBytes(program, parameters, wireOf({ wire, execution })),
    report: {
      considered: found.considered,
      estimatedMilliseconds: found.estimate.milliseconds,
      refused: found.refused,
    },
  };
  return { plan, program };
}

function observePacking(
  { observe }: CompileDemand,
  { packing, kernel, degree, considered }: SearchResult,
): void {
  const { tile, channelsPerCiphertext, blocksPerCiphertext, outputsPerProduct } = packing;
  const made = {
    considered,
    degree,
    kernel,
    tile: `${tile.height} x ${tile.width}`,
    channelsPerCiphertext,
    blocksPerCiphertext,
    outputsPerProduct,
  };
  observe({ name: 'packing', lowering: 'toeplitz', made });
}

/** What of a plan is chosen before its execution. */
interface Chosen {
  readonly protocol: Protocol;
  readonly kernel: Kernel;
  readonly dropped: DroppedBits;
}

/** The kernel with what it needs; how uploads travel as the request says, or by cost. */
function executionOf(
  { engine, upload, objective, linkMegabitsPerSecond }: PlanRequest,
  { protocol, kernel, dropped }: Chosen,
  parameters: Parameters,
  program: ToeplitzProgram,
): Execution {
  if (kernel === 'ntt') return { kernel, upload: engine === 'seal' ? 'seal-seeded' : 'seeded' };
  const byCost = (): 'seeded' | 'whole' => chooseUploadForm({ parameters, objective, linkMegabitsPerSecond });
  const standard = upload === 'auto' ? byCost() : upload;
  const form = protocol === 'hint' ? protocol : standard;
  const shift = digitShift({ ...dropped, upload: form });
  return { kernel, lanes: directLanes(parameters, program, shift), upload: form };
}

function searchRequest(
  { spec, output, outputElements, request }: CompileDemand,
  plainModulus: number,
  protocol: Protocol,
): SearchRequest {
  const centred = centredWeights(spec.weights);
  return {
    shape: spec,
    output,
    outputElements,
    plainModulus,
    ...channelNorms(spec, centred, plainModulus),
    objective: request.objective,
    protocol,
    inferences: request.inferences,
    securityBits: request.security,
    failure: request.failure === 'auto' ? 'never' : request.failure,
    degrees: request.degree === 'auto' ? DEGREES : [request.degree],
    kernels: kernelsFor(centred, plainModulus, request, protocol),
  };
}

/**
 * The kernels to choose from: weights wider than 16 bits are the ntt kernel's.
 * @throws CipherconvError `unsupported` where the direct one is asked for and cannot be.
 */
function kernelsFor(
  centred: Int32Array,
  plainModulus: number,
  request: PlanRequest,
  protocol: Protocol,
): Kernel[] {
  const wanted = wantedKernel(request, protocol);
  if (wanted === 'ntt') return ['ntt'];
  const largest = centred.reduce(
    (most, weight) => Math.max(most, Math.abs(centredLift(weight, plainModulus))),
    0,
  );
  if (largest <= LARGEST_DIRECT_WEIGHT) return wanted === 'auto' ? ['ntt', 'direct'] : ['direct'];
  if (wanted === 'auto') return ['ntt'];
  throw new CipherconvError({
    code: 'unsupported',
    where: protocol === 'hint' ? 'protocol' : 'kernel',
    message: `${protocol === 'hint' ? 'hints need the direct kernel, which does' : 'the direct kernel does'} not take weights so large`,
    expected: `weights minus zero point within [-${LARGEST_DIRECT_WEIGHT}, ${LARGEST_DIRECT_WEIGHT}]`,
    found: `one of size ${largest}`,
    hint: protocol === 'hint' ? 'take the standard protocol' : 'take the ntt kernel',
  });
}

/** The lanes of a plan whose weights `kernelsFor` has let through. */
function directLanes(parameters: Parameters, program: ToeplitzProgram, shift: number): DirectLanes {
  const analysis = analyzeLanes(parameters, program, shift);
  if (analysis.kind === 'possible') return analysis.lanes;
  throw internalError(`no lanes for the direct kernel: ${analysis.found}, not ${analysis.expected}`);
}

/**
 * q and what need not travel. The search has found the smallest q for the noise of the products; here the rounding of
 * the wire joins.
 */
function finalModulus(
  request: SearchRequest,
  found: SearchResult,
  coefficients: TravellingCoefficients,
  measured: Pick<ResultNoiseInput, 'rowL1' | 'rowL2Squared' | 'coefficients'>,
): { dataPrimes: readonly bigint[]; dropped: DroppedBits } {
  const { plainModulus, failure, protocol, objective } = request;
  const { degree, dataPrimes: primes } = found;
  const noise = { degree, plainModulus, failure, ...measured };
  const allowedBits = largestModulusBits(degree, request.securityBits);
  const hint = coefficients.hint / request.inferences;
  if (protocol === 'hint' && primes.length === 1) {
    const wires = hintWires({ degree, plainModulus, noise, allowedBits });
    const wire = bestHintWire(wires, { ...coefficients, hint }, objective);
    return { dataPrimes: [wire.prime], dropped: wire.dropped };
  }
  // Nothing is dropped of a hint, nor of its uploads under several primes: they count alike.
  const travelling = { ...coefficients, uploadC0: coefficients.uploadC0 + hint };
  const demand = { degree, plainModulus, noise, primes, coefficients: travelling, protocol };
  const choice = chooseWire(demand, objective, allowedBits);
  return { dataPrimes: choice.primes, dropped: choice.dropped };
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
  centred: Int32Array,
  plainModulus: number,
): { channelL1: number[]; channelL2Squared: number[] } {
  const channelL1 = new Array<number>(spec.weights.outChannels).fill(0);
  const channelL2Squared = new Array<number>(spec.weights.outChannels).fill(0);
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
