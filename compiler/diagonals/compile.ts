import { analyzeAccumulator } from '../accumulator/exact.ts';
import { COMPILER_VERSION, decodeWindows, planAnalysis, refuseOverflow } from '../lowering/assemble.ts';
import type { CompileOptions, Draft } from '../lowering/assemble.ts';
import {
  countDiagonalsBytes,
  countDiagonalsOperations,
  diagonalsCoefficients,
  diagonalsKeys,
  diagonalsTransfer,
} from './counts.ts';
import { NOTHING_DROPPED, predictedBudgetBits } from '../bfv/noise.ts';
import type { DroppedBits } from '../bfv/noise.ts';
import { diagonalsNoise } from './noise.ts';
import { slotGeometry } from './packing.ts';
import { chooseSizes, DATA_PRIMES, realPrimes } from './parameters.ts';
import type { RotationDemand, RotationModulus } from './parameters.ts';
import { buildDiagonals, rotationSteps } from './program.ts';
import type { DiagonalsProgram } from './program.ts';
import { diagonalsNorms } from './norms.ts';
import { NO_ROOM, refuseAll, refuseLarge, searchDiagonals } from './search.ts';
import type { DiagonalsCandidate, DiagonalsRequest, DiagonalsSearch } from './search.ts';
import { DEGREES } from '../bfv/security.ts';
import type { Degree } from '../bfv/security.ts';
import { outputShape } from '../convolution/spec.ts';
import type { ConvSpec } from '../convolution/spec.ts';
import { elementCount } from '../base/tensor.ts';
import { dropUnder } from '../bfv/dropBits.ts';
import { dataModulus } from '../bfv/parameters.ts';
import { diagonalsNoiseInput, normFacts } from './plan.ts';
import type { DiagonalsPlan } from './plan.ts';
import type { Parameters } from '../bfv/parameters.ts';
import type { PlanWire } from '../lowering/plan.ts';

/** A candidate that its exact noise lets through. */
interface Carried {
  readonly candidate: DiagonalsCandidate;
  readonly program: DiagonalsProgram;
  readonly demand: RotationDemand;
  readonly modulus: RotationModulus;
}

/** What the diagonals search is asked, from a spec and the options. */
export function diagonalsRequest(
  spec: ConvSpec,
  decodeWidth: number,
  options: CompileOptions,
): DiagonalsRequest {
  return {
    spec,
    decodeWidth: Math.max(2, decodeWidth),
    failure: options.failure ?? '2^-128',
    objective: options.objective ?? 'latency',
    securityBits: options.security ?? 128,
    degrees: options.degree === undefined ? DEGREES : [options.degree],
  };
}

/**
 * A diagonals plan, not yet proved: exact analysis, a prime t with slots, the cheapest layout and rotations whose exact
 * norms some q carries, program.
 * @throws CipherconvError `overflow`, `beyond-bfv`, or `unsupported` for convolutions that would take too long.
 */
export function compileDiagonals(
  spec: ConvSpec,
  options: CompileOptions = {},
): Draft<DiagonalsPlan, DiagonalsProgram> {
  const analysis = analyzeAccumulator(spec);
  refuseOverflow(spec, analysis);
  const { batch, channels, height, width } = outputShape(spec);
  refuseLarge(spec, elementCount([batch, channels, height, width]));
  const request = diagonalsRequest(spec, analysis.decodeWidth, options);
  const { search, carried } = cheapestCarried(request);
  const { candidate, program, demand, modulus } = carried;
  const parameters: Parameters = {
    degree: demand.degree,
    plainModulus: demand.plainModulus,
    dataPrimes: modulus.dataPrimes.map(String),
    specialPrime: modulus.specialPrime === null ? null : String(modulus.specialPrime),
    securityBits: demand.securityBits,
  };
  const { packing } = candidate;
  const facts = { failure: demand.failure, ...normFacts(demand.norms) };
  const wire: PlanWire = { ...droppedBits(demand, modulus, program), upload: 'seeded' };
  const { response } = diagonalsNoise(diagonalsNoiseInput({ spec, parameters, packing, noise: facts, wire }));
  const budget = predictedBudgetBits(dataModulus(parameters), demand.plainModulus, response);
  const plan: DiagonalsPlan = {
    format: 'cipherconv-plan',
    version: 2,
    compiler: COMPILER_VERSION,
    spec,
    analysis: planAnalysis(analysis),
    parameters,
    packing,
    kernel: 'ntt',
    direct: null,
    windows: decodeWindows(spec, analysis),
    transfer: diagonalsTransfer(program),
    wire,
    noise: { ...facts, predictedBudgetBits: budget },
    keys: diagonalsKeys(program, parameters),
    counts: countDiagonalsOperations(program),
    bytes: countDiagonalsBytes(program, parameters, wire),
    report: {
      objective: request.objective,
      considered: search.considered,
      estimatedMilliseconds: candidate.estimate.milliseconds,
      refused: search.refused,
    },
  };
  return { plan, program };
}

/** Candidates of one degree that are tried: they differ in their rotations, hardly in their noise. */
const TRIES = 6;

/** The cheapest candidate whose exact norms some q carries; larger degrees where those found have none. */
function cheapestCarried(request: DiagonalsRequest): {
  readonly search: DiagonalsSearch;
  readonly carried: Carried;
} {
  const search = searchDiagonals(request);
  const tried = new Map<Degree, number>();
  for (const candidate of search.candidates) {
    const { degree } = candidate.packing;
    const tries = tried.get(degree) ?? 0;
    if (tries === TRIES) continue;
    tried.set(degree, tries + 1);
    const carried = carry(request, candidate);
    if (carried !== null) return { search, carried };
  }
  const rest = request.degrees.filter((degree) => !tried.has(degree));
  if (rest.length === 0) refuseAll(request, 'more noise than any q of the table carries');
  const { search: found, carried } = cheapestCarried({ ...request, degrees: rest });
  const refused = [...tried.keys()].map((degree) => ({ degree, reason: NO_ROOM }));
  return { search: { ...found, refused: [...refused, ...found.refused] }, carried };
}

/** The program of a candidate and the primes that carry its exact norms; null where none do. */
function carry(request: DiagonalsRequest, candidate: DiagonalsCandidate): Carried | null {
  const { packing, plainModulus } = candidate;
  const program = buildDiagonals(request.spec, packing, plainModulus);
  const demand: RotationDemand = {
    degree: packing.degree,
    plainModulus,
    failure: request.failure,
    securityBits: request.securityBits,
    norms: diagonalsNorms(program),
    coefficients: packing.degree * slotGeometry(request.spec, packing).resultCiphertexts,
    rotates: rotationSteps(program).length > 0,
  };
  const primes = realPrimes(packing.degree, plainModulus);
  for (const count of DATA_PRIMES) {
    if (count < candidate.dataPrimes) continue;
    const modulus = chooseSizes(demand, count, primes);
    if (modulus !== null) return { candidate, program, demand, modulus };
  }
  return null;
}

/** Low bits that need not travel; with several primes all of them do. */
function droppedBits(
  demand: RotationDemand,
  { dataPrimes, specialPrime }: RotationModulus,
  program: DiagonalsProgram,
): DroppedBits {
  const [prime] = dataPrimes;
  if (prime === undefined || dataPrimes.length > 1) return NOTHING_DROPPED;
  const { degree, plainModulus, failure, norms, coefficients } = demand;
  const products = (uploadC0: number): bigint =>
    diagonalsNoise({
      degree,
      plainModulus,
      failure,
      dataPrimes,
      specialPrime,
      norms,
      coefficients,
      dropped: { ...NOTHING_DROPPED, uploadC0 },
    }).products;
  const demanded = { degree, plainModulus, coefficients: diagonalsCoefficients(program), products };
  return dropUnder(demanded, prime)?.dropped ?? NOTHING_DROPPED;
}
