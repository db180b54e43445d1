import { analyzeAccumulator } from './accumulator.ts';
import { COMPILER_VERSION, decodeWindows, planAnalysis, refuseOverflow } from './compileShared.ts';
import type { CompileOptions } from './compileShared.ts';
import { countBytes, countOperations, transferOf } from './counts.ts';
import { diagonalsCoefficients, diagonalsKeys } from './countsDiagonals.ts';
import { NOTHING_DROPPED, predictedBudgetBits } from './noise.ts';
import type { DroppedBits } from './noise.ts';
import { diagonalsNoise } from './noiseDiagonals.ts';
import { slotGeometry } from './packingDiagonals.ts';
import { chooseSizes, DATA_PRIMES, realPrimes } from './parametersDiagonals.ts';
import type { RotationDemand, RotationModulus } from './parametersDiagonals.ts';
import { dataModulus, diagonalsNoiseInput, normFacts } from './plan.ts';
import type { DiagonalsPlan, Parameters, PlanWire } from './plan.ts';
import { buildProgram } from './program.ts';
import { rotationSteps } from './programDiagonals.ts';
import type { DiagonalsProgram } from './programDiagonals.ts';
import { diagonalsNorms } from './programDiagonalsNorms.ts';
import { NO_ROOM, refuseAll, refuseLarge, searchDiagonals } from './searchDiagonals.ts';
import type { DiagonalsCandidate, DiagonalsRequest, DiagonalsSearch } from './searchDiagonals.ts';
import { DEGREES } from './security.ts';
import type { Degree } from './security.ts';
import { deepFreeze, outputShape } from './spec.ts';
import type { ConvSpec } from './spec.ts';
import { elementCount } from './tensor.ts';
import { verify } from './verify.ts';
import { dropUnder } from './wire.ts';

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
 * A diagonals plan: exact analysis, a prime t with slots, the cheapest layout and rotations whose exact norms some q
 * carries, program, proof.
 * @throws CipherconvError `overflow`, `beyond-bfv`, or `unsupported` for convolutions that would take too long.
 */
export function compileDiagonals(spec: ConvSpec, options: CompileOptions = {}): DiagonalsPlan {
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
    version: 1,
    compiler: COMPILER_VERSION,
    spec,
    analysis: planAnalysis(analysis),
    parameters,
    packing,
    kernel: 'ntt',
    direct: null,
    windows: decodeWindows(spec, analysis),
    transfer: transferOf(program),
    wire,
    noise: { ...facts, predictedBudgetBits: budget },
    keys: diagonalsKeys(program, parameters),
    counts: countOperations(program, 'ntt'),
    bytes: countBytes(program, parameters, wire),
    report: {
      objective: request.objective,
      considered: search.considered,
      estimatedMilliseconds: candidate.estimate.milliseconds,
      refused: search.refused,
    },
  };
  verify(plan, program);
  return deepFreeze(plan);
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
  const program = buildProgram({ spec: request.spec, packing, parameters: { plainModulus } });
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
