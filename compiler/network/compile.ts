import { CipherconvError } from '../base/errors.ts';
import { deepFreeze } from '../base/freeze.ts';
import type { Degree, SecurityBits } from '../bfv/security.ts';
import { chooseLayout } from './chooseLayout.ts';
import { ModulusFinder } from './chooseParameters.ts';
import type { NetworkModulus } from './chooseParameters.ts';
import { NETWORK_DEGREES } from './checkParameters.ts';
import { checkNetwork } from './checkSpec.ts';
import { networkMilliseconds } from './cost.ts';
import { countNetwork, networkBytes } from './counts.ts';
import { NoiseModel } from './noise.ts';
import { plaintextSquares } from './norms.ts';
import type { StageChoice } from './placement.ts';
import { choosePlainModuli, MOST_MODULI } from './plainModuli.ts';
import type { NetworkAnalysis, NetworkParameters, NetworkPlan, NetworkReport } from './plan.ts';
import { buildNetworkProgram, layoutsOf, stepsWithDrops } from './program.ts';
import type { NetworkProgram } from './program.ts';
import { proveNetwork } from './prove.ts';
import type { NetworkProof } from './prove.ts';
import type { NetworkSpec } from './spec.ts';
import { verifyNetworkProgram } from './verify.ts';
import { networkRefusal } from './widths.ts';
import type { Obstacle, Refused } from './widths.ts';

/** What a network is compiled for; everything has a default. */
export interface NetworkOptions {
  /** The ring degree N; by default the smallest of 8192 and 16384 that carries the network. */
  readonly degree?: Degree;
  /** Bits of security by the table. Default 128. */
  readonly security?: SecurityBits;
}

/** The analysis as a plan keeps it. */
export function networkAnalysis(proof: NetworkProof): NetworkAnalysis {
  return {
    stages: proof.stages.map(({ name, lo, hi }) => ({ name, lo: String(lo), hi: String(hi) })),
    logits: proof.logits.map(({ lo, hi, modulus }) => ({
      lo: String(lo),
      hi: String(hi),
      modulus: String(modulus),
    })),
    provedBits: proof.bits,
  };
}

/** A q that carries the network under these plain moduli. */
interface Candidate {
  readonly plainModuli: readonly number[];
  readonly modulus: NetworkModulus;
  readonly milliseconds: number;
}

/** What one degree came to. */
interface DegreeResult {
  readonly considered: number;
  readonly candidate: Candidate | null;
  readonly layout: readonly StageChoice[];
  readonly program: NetworkProgram | null;
  /** Why there is no candidate; null where there is one. */
  readonly obstacle: Obstacle | null;
}

function obstacleOf(finders: readonly ModulusFinder[]): Obstacle {
  if (finders.length === 0)
    return {
      kind: 'width',
      reason: `the logits are wider than ${MOST_MODULI} plain moduli of small size carry`,
    };
  const best = Math.max(...finders.map(({ mostBudgetBits }) => mostBudgetBits));
  return {
    kind: 'noise',
    reason: `noise: ${Number.isFinite(best) ? `the best q is ${1 - best} bits short` : 'no q has room for its primes'}`,
  };
}

/** No layout: some stage has more values than the ring has slots, or its copies do not fit. */
function tooManyValues({ stages }: NetworkSpec, degree: Degree): Obstacle {
  const [first] = stages;
  const largest = stages.reduce(
    (most, stage) => (stage.outputs > (most?.outputs ?? 0) ? stage : most),
    first,
  );
  const [name, count] = [largest?.name ?? 'a layer', largest?.outputs ?? 0];
  return {
    kind: 'slots',
    reason: `${name} has ${count} values, ${count > degree ? 'more than there are slots' : 'too many to lay out with what it reads'}`,
  };
}

function tryDegree(
  spec: NetworkSpec,
  proof: NetworkProof,
  degree: Degree,
  securityBits: SecurityBits,
): DegreeResult {
  const chosen = chooseLayout(spec, degree);
  const failed = { candidate: null, layout: [], program: null, considered: chosen?.considered ?? 0 };
  if (chosen === null) return { ...failed, obstacle: tooManyValues(spec, degree) };
  const layout = chosen.best.choices;
  const layouts = layoutsOf(spec, degree, layout) ?? [];
  const program = buildNetworkProgram(spec, degree, layout);
  const divisors = proof.logits.map(({ modulus }) => modulus).filter((modulus) => modulus !== 0n);
  const finders: ModulusFinder[] = [];
  for (let count = 1; count <= MOST_MODULI; count++) {
    const plainModuli = choosePlainModuli(degree, proof.width, count, divisors);
    if (plainModuli === null) continue;
    const finder = new ModulusFinder({
      degree,
      securityBits,
      plainModuli,
      plainModulus: Math.max(...plainModuli),
      stages: spec.stages.length,
      model: new NoiseModel(program, plaintextSquares(program, plainModuli)),
      stepsWith: (primes) => stepsWithDrops(program, primes),
      milliseconds: (primes) => networkMilliseconds(spec, layouts, layout, primes, degree),
    });
    finders.push(finder);
    const modulus = finder.find();
    if (modulus === null) continue;
    // More moduli only cost more once q has room.
    const candidate = { plainModuli, modulus, milliseconds: count * modulus.milliseconds };
    return { considered: chosen.considered, candidate, layout, program, obstacle: null };
  }
  return { ...failed, obstacle: obstacleOf(finders) };
}

/**
 * Compiles a network: proves its widths, chooses plain moduli, layout and q, and proves that the program computes it.
 * @throws CipherconvError `unsupported`; `beyond-bfv` for a network that is too wide or too deep, with its widths.
 */
export function compileNetwork(spec: NetworkSpec, options: NetworkOptions = {}): NetworkPlan {
  checkNetwork(spec);
  const proof = proveNetwork(spec);
  const securityBits = options.security ?? 128;
  const refused: Refused[] = [];
  let considered = 0;
  for (const degree of degreesFor(options.degree)) {
    const result = tryDegree(spec, proof, degree, securityBits);
    considered += result.considered;
    const { candidate, program, layout } = result;
    if (candidate !== null && program !== null) {
      const estimatedMilliseconds = Math.round(candidate.milliseconds * 10) / 10;
      const report = {
        considered,
        estimatedMilliseconds,
        refused: refused.map(({ degree: other, obstacle: { reason } }) => ({ degree: other, reason })),
      };
      const plan = planOf({ spec, proof, securityBits, layout, candidate, program, report });
      verifyNetworkProgram(spec, program);
      return deepFreeze(plan);
    }
    if (result.obstacle !== null) refused.push({ degree, obstacle: result.obstacle });
  }
  throw networkRefusal(spec, proof, refused);
}

function degreesFor(degree: Degree | undefined): readonly Degree[] {
  if (degree === undefined) return NETWORK_DEGREES;
  if ((NETWORK_DEGREES as readonly Degree[]).includes(degree)) return [degree];
  throw new CipherconvError({
    code: 'unsupported',
    where: '--degree',
    message:
      'not a ring degree for networks: below 8192 no q carries a square, and larger ones are not supported yet',
    expected: NETWORK_DEGREES.join(' or '),
    found: String(degree),
  });
}

/** What a plan is put together from. */
interface PlanParts {
  readonly spec: NetworkSpec;
  readonly proof: NetworkProof;
  readonly securityBits: SecurityBits;
  readonly layout: readonly StageChoice[];
  readonly candidate: Candidate;
  readonly program: NetworkProgram;
  readonly report: NetworkReport;
}

function planOf({ spec, proof, securityBits, layout, candidate, program, report }: PlanParts): NetworkPlan {
  const { plainModuli, modulus } = candidate;
  const [first] = NETWORK_DEGREES;
  const parameters: NetworkParameters = {
    degree: NETWORK_DEGREES.find((degree) => degree === program.degree) ?? first,
    plainModuli,
    dataPrimes: modulus.dataPrimes.map(String),
    specialPrime: String(modulus.specialPrime),
    securityBits,
  };
  return {
    spec,
    analysis: networkAnalysis(proof),
    parameters,
    layout,
    primes: modulus.primes,
    noise: { failure: '2^-128', predictedBudgetBits: modulus.noise.at(-1)?.budgetBits ?? 0 },
    counts: countNetwork(program, plainModuli.length),
    bytes: networkBytes(program, parameters, modulus.primes.at(-1)?.sums ?? 1),
    report,
  };
}
