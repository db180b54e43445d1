import type { Steps } from '../base/steps.ts';
import { dropUnder } from '../bfv/dropBits.ts';
import { NO_STEPS } from '../bfv/dropStep.ts';
import { NOTHING_DROPPED, predictedBudgetBits } from '../bfv/noise.ts';
import type { DroppedBits } from '../bfv/noise.ts';
import { dataModulus } from '../bfv/parameters.ts';
import type { Parameters } from '../bfv/parameters.ts';
import { DEGREES } from '../bfv/security.ts';
import type { Degree } from '../bfv/security.ts';
import { commonFields, parameterFacts } from '../lowering/assemble.ts';
import type { CompileDemand, Draft } from '../lowering/lowering.ts';
import { keyCount } from '../lowering/plan.ts';
import {
  countDiagonalsBytes,
  countDiagonalsOperations,
  diagonalsCoefficients,
  diagonalsKeys,
  diagonalsTransfer,
} from './counts.ts';
import { diagonalsNoise } from './noise.ts';
import { diagonalsNorms } from './norms.ts';
import { slotGeometry } from './packing.ts';
import { chooseSizes, DATA_PRIMES, realPrimes } from './parameters.ts';
import type { RotationDemand, RotationModulus } from './parameters.ts';
import { diagonalsNoiseInput, normFacts } from './plan.ts';
import type { DiagonalsPlan } from './plan.ts';
import { buildDiagonals, rotationsOf } from './program.ts';
import type { DiagonalsProgram } from './program.ts';
import { NO_ROOM, refuseAll, searchDiagonals } from './search.ts';
import { refuseLarge } from './refuseLarge.ts';
import type { DiagonalsCandidate, DiagonalsRequest, DiagonalsSearch } from './search.ts';

/** A candidate that its exact noise lets through, with the primes that carry it. */
interface Accepted {
  readonly candidate: DiagonalsCandidate;
  readonly program: DiagonalsProgram;
  readonly rotation: RotationDemand;
  readonly modulus: RotationModulus;
}

/** What the diagonals search is asked. */
export function diagonalsRequest({ spec, request, analysis, output }: CompileDemand): DiagonalsRequest {
  return {
    spec,
    output,
    decodeWidth: Math.max(2, analysis.decodeWidth),
    failure: request.failure === 'auto' ? '2^-128' : request.failure,
    objective: request.objective,
    securityBits: request.security,
    degrees: request.degree === 'auto' ? DEGREES : [request.degree],
  };
}

/**
 * A diagonals plan, not yet proved: a prime t with slots, the cheapest layout and rotations whose exact norms some q
 * carries, program.
 * @throws CipherconvError `beyond-bfv`, or `unsupported` for convolutions that would take too long.
 */
export function* compileDiagonals(demand: CompileDemand): Steps<Draft<DiagonalsPlan, DiagonalsProgram>> {
  const { spec, outputElements } = demand;
  refuseLarge(spec, outputElements);
  const request = diagonalsRequest(demand);
  const { search, accepted } = yield* cheapestAccepted(request);
  const { candidate, program, rotation, modulus } = accepted;
  observeDraft(demand, search, accepted);
  const parameters: Parameters = {
    degree: rotation.degree,
    plainModulus: rotation.plainModulus,
    dataPrimes: modulus.dataPrimes.map(String),
    specialPrime: modulus.specialPrime === null ? null : String(modulus.specialPrime),
    securityBits: rotation.securityBits,
  };
  demand.observe({ name: 'parameters', lowering: 'diagonals', made: parameterFacts(parameters) });
  const { packing } = candidate;
  const facts = { failure: rotation.failure, ...normFacts(rotation.norms) };
  const wire = droppedBits(rotation, modulus, program);
  const { response } = diagonalsNoise(diagonalsNoiseInput({ spec, parameters, packing, noise: facts, wire }));
  const budget = predictedBudgetBits(dataModulus(parameters), rotation.plainModulus, response);
  const plan: DiagonalsPlan = {
    ...commonFields(demand),
    lowering: 'diagonals',
    parameters,
    packing,
    transfer: diagonalsTransfer(program),
    wire,
    noise: { ...facts, predictedBudgetBits: budget },
    keys: diagonalsKeys(program, parameters),
    counts: countDiagonalsOperations(program),
    bytes: countDiagonalsBytes(program, parameters, wire),
    report: {
      considered: search.considered,
      estimatedMilliseconds: candidate.estimate.milliseconds,
      refused: search.refused,
    },
  };
  return { plan, program };
}

/** Packing and program are found together: only the program's norms say which packing some q carries. */
function observeDraft({ observe }: CompileDemand, { considered }: DiagonalsSearch, accepted: Accepted): void {
  const { program, candidate } = accepted;
  const { degree, packing } = candidate;
  const { planesPerRow, rowPitch, steps } = packing;
  const placed = { considered, degree, planesPerRow, rowPitch, rotations: steps.kind };
  observe({ name: 'packing', lowering: 'diagonals', made: placed });
  const { plaintexts, rows } = program;
  const made = { plaintexts: plaintexts.length, rows: rows.length };
  observe({ name: 'program', lowering: 'diagonals', made });
}

/** Candidates of one degree that are tried: they differ in their rotations, hardly in their noise. */
const TRIES = 6;

/** The cheapest candidate whose exact norms some q carries; larger degrees where those found have none. */
function* cheapestAccepted(request: DiagonalsRequest): Steps<{
  readonly search: DiagonalsSearch;
  readonly accepted: Accepted;
}> {
  const search = yield* searchDiagonals(request);
  const tried = new Map<Degree, number>();
  for (const candidate of search.candidates) {
    const { degree } = candidate;
    const tries = tried.get(degree) ?? 0;
    if (tries === TRIES) continue;
    tried.set(degree, tries + 1);
    const accepted = tryModulus(request, candidate);
    if (accepted !== null) return { search, accepted };
    yield;
  }
  const rest = request.degrees.filter((degree) => !tried.has(degree));
  if (rest.length === 0) refuseAll(request, 'more noise than any q of the table carries');
  const { search: found, accepted } = yield* cheapestAccepted({ ...request, degrees: rest });
  const refused = [...tried.keys()].map((degree) => ({ degree, reason: NO_ROOM }));
  return { search: { ...found, refused: [...refused, ...found.refused] }, accepted };
}

/** The program of a candidate and the primes that carry its exact norms; null where none do. */
function tryModulus(request: DiagonalsRequest, candidate: DiagonalsCandidate): Accepted | null {
  const { degree, packing, plainModulus } = candidate;
  const { spec } = request;
  const program = buildDiagonals({ spec, packing, parameters: { degree, plainModulus } });
  const rotation: RotationDemand = {
    degree,
    plainModulus,
    failure: request.failure,
    securityBits: request.securityBits,
    norms: diagonalsNorms(program),
    coefficients: degree * slotGeometry(spec, { ...packing, degree }).resultCiphertexts,
    rotates: keyCount(rotationsOf(program)) > 0,
  };
  const primes = realPrimes(degree, plainModulus);
  for (const count of DATA_PRIMES) {
    if (count < candidate.dataPrimeCount) continue;
    const modulus = chooseSizes(rotation, count, primes);
    if (modulus !== null) return { candidate, program, rotation, modulus };
  }
  return null;
}

/** Low bits that need not travel. */
function droppedBits(
  demand: RotationDemand,
  { dataPrimes, specialPrime }: RotationModulus,
  program: DiagonalsProgram,
): DroppedBits {
  const { degree, plainModulus, failure, norms, coefficients } = demand;
  const products = (uploadC0: bigint): bigint =>
    diagonalsNoise({
      degree,
      plainModulus,
      failure,
      dataPrimes,
      specialPrime,
      norms,
      coefficients,
      steps: { ...NO_STEPS, uploadC0 },
    }).products;
  const demanded = {
    degree,
    plainModulus,
    coefficients: diagonalsCoefficients(program),
    products,
    mostOfUpload: Infinity,
  };
  return dropUnder(demanded, dataPrimes)?.dropped ?? NOTHING_DROPPED;
}
