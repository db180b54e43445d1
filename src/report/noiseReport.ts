import { compileSpec } from '../../compiler/lowerings/compile.ts';
import { NO_STEPS } from '../../compiler/bfv/dropStep.ts';
import { bitLength } from '../../compiler/base/interval.ts';
import { largestNoise } from '../../compiler/bfv/noise.ts';
import type { Failure, TwiceNoise } from '../../compiler/bfv/noise.ts';
import { chooseModulus } from '../../compiler/bfv/chooseModulus.ts';
import { uploadForm } from '../../compiler/lowerings/plan.ts';
import type { Plan } from '../../compiler/lowerings/plan.ts';
import { DEGREES, largestModulusBits } from '../../compiler/bfv/security.ts';
import type { Degree } from '../../compiler/bfv/security.ts';
import { CipherconvError } from '../../compiler/base/errors.ts';
import { resultNoise } from '../../compiler/toeplitz/noise.ts';
import { coeffModulusBits, dataModulus } from '../../compiler/bfv/parameters.ts';
import { noiseInput, wireOf } from '../../compiler/toeplitz/plan.ts';
import type { ToeplitzPlan } from '../../compiler/toeplitz/plan.ts';
import { planNoise } from '../../compiler/lowerings/noise.ts';

/** The noise of a plan, told for people: from a fresh encryption to what decryption meets, and what the neighbours are. */

interface NoiseStep {
  readonly name: string;
  /** log2 of the bound on |v|; for reading, nothing is decided by it. */
  readonly bits: number;
}

interface Neighbour {
  readonly change: string;
  /** What would follow, or why it cannot be. */
  readonly consequence: string;
}

interface FailureComparison {
  readonly failure: Failure;
  readonly coeffModulusBits: readonly number[];
  readonly degree: number;
  readonly bytes: { readonly upload: number; readonly response: number };
}

export interface NoiseReport {
  readonly waterfall: readonly NoiseStep[];
  /** log2 of the largest noise that decrypts right, q / 2t. */
  readonly limitBits: number;
  readonly neighbours: readonly Neighbour[];
  /** The plan under the other failure mode; null when no parameters carry it. */
  readonly otherFailure: FailureComparison | null;
  readonly security: { readonly bits: number; readonly modulusBits: number; readonly allowedBits: number };
}

/** log2 of a bound given in halves, from its leading 53 bits. */
function log2OfTwice(twice: TwiceNoise): number {
  const excess = Math.max(0, twice.toString(2).length - 53);
  return Math.log2(Number(twice >> BigInt(excess))) + excess - 1;
}

function waterfall(plan: Plan): NoiseStep[] {
  const stages = planNoise(plan);
  const { wire, noise } = plan;
  const upload = uploadForm(plan);
  const tail = noise.failure === 'never' ? '' : ', tail of 2^-128';
  const rotated = plan.lowering === 'toeplitz' ? '' : ' and rotations';
  const sizes = plan.parameters.dataPrimes.map((prime) => bitLength(BigInt(prime)));
  const low = sizes.length === 1 ? 'low bits' : `low of ${sizes.join(' + ')} bits`;
  return [
    { name: 'fresh symmetric encryption', bits: log2OfTwice(stages.fresh) },
    {
      name: `upload (${upload}): ${wire.uploadC0} ${low} of c0 dropped`,
      bits: log2OfTwice(stages.upload),
    },
    {
      name: `products${rotated} and sums: L1 norm ${noise.rowL1}${tail}`,
      bits: log2OfTwice(stages.products),
    },
    {
      name: `response: ${wire.responseC0} ${low} of c0${upload === 'hint' ? '' : ` and ${wire.responseC1} of c1`} dropped`,
      bits: log2OfTwice(stages.response),
    },
  ];
}

/** The smallest degree that carries this t with the plan's weights, and its q. */
function parametersFor(plan: ToeplitzPlan, plainModulus: number): string {
  for (const degree of DEGREES) {
    const noise = productNoise(plan, degree, plainModulus);
    const choice = chooseModulus({ degree, plainModulus, noise, securityBits: plan.parameters.securityBits });
    if (choice.kind === 'refused') continue;
    const bits = choice.dataPrimes.map((prime) => prime.toString(2).length).join(' + ');
    return `q of ${bits} bits, N = ${degree} at least`;
  }
  return 'no degree carries it';
}

/** Noise without rounding. */
function productNoise(plan: ToeplitzPlan, degree: Degree, plainModulus: number): TwiceNoise {
  return resultNoise({
    ...noiseInput({ ...plan, wire: wireOf(plan) }),
    degree,
    plainModulus,
    steps: NO_STEPS,
  }).response;
}

/** What a wider or narrower accumulator would need. */
function accumulatorNeighbours(plan: Plan): Neighbour[] {
  const { plainModulus, degree } = plan.parameters;
  if (plan.lowering !== 'toeplitz') {
    const change = `accumulator of up to ${plainModulus} values (it takes ${plan.analysis.decodeWidth})`;
    return [{ change, consequence: `the same: t is a prime with slots, 1 mod ${2 * degree}` }];
  }
  const [wider, narrower] = [2 * plainModulus, Math.ceil(plainModulus / 2)];
  return [
    {
      change: `accumulator one bit wider (t = ${wider})`,
      consequence: parametersFor(plan, wider),
    },
    ...(narrower >= 2
      ? [
          {
            change: `accumulator one bit narrower (t = ${narrower})`,
            consequence: parametersFor(plan, narrower),
          },
        ]
      : []),
  ];
}

function neighbours(plan: Plan): Neighbour[] {
  const { degree, securityBits } = plan.parameters;
  const qBits = coeffModulusBits(plan.parameters).reduce((sum, bits) => sum + bits, 0);
  const allowed = largestModulusBits(degree, securityBits);
  const half = DEGREES.find((candidate) => candidate * 2 === degree);
  const twice = DEGREES.find((candidate) => candidate === degree * 2);
  const refusedAt = (at: Degree): string =>
    plan.report.refused.find((refused) => refused.degree === at)?.reason ?? 'it was not searched';
  return [
    ...accumulatorNeighbours(plan),
    {
      change: `q one bit narrower (${qBits - 1} bits)`,
      consequence: 'the noise would pass q / 2t: decryption could fail',
    },
    {
      change: `q one bit wider (${qBits + 1} bits)`,
      consequence:
        qBits + 1 > allowed
          ? `the table allows ${allowed} bits at N = ${degree}`
          : 'one bit more budget, one bit more on every coefficient',
    },
    ...(half === undefined ? [] : [{ change: `N = ${half}`, consequence: refusedAt(half) }]),
    ...(twice === undefined ? [] : [{ change: `N = ${twice}`, consequence: refusedAt(twice) }]),
  ];
}

function otherFailure(plan: Plan): FailureComparison | null {
  const failure = plan.noise.failure === 'never' ? '2^-128' : 'never';
  try {
    const other = compileSpec(plan.spec, {
      ...plan.request,
      lowering: plan.lowering,
      failure,
    });
    const { parameters, bytes } = other;
    return { failure, coeffModulusBits: coeffModulusBits(parameters), degree: parameters.degree, bytes };
  } catch (error) {
    if (error instanceof CipherconvError && error.code !== 'internal') return null;
    throw error;
  }
}

/**
 * Everything that `explain` says of a plan's noise. Compiles the plan once more, under the other failure mode.
 */
export function noiseReport(plan: Plan): NoiseReport {
  const { degree, plainModulus, securityBits } = plan.parameters;
  return {
    waterfall: waterfall(plan),
    limitBits: log2OfTwice(largestNoise(dataModulus(plan.parameters), plainModulus)),
    neighbours: neighbours(plan),
    otherFailure: otherFailure(plan),
    security: {
      bits: securityBits,
      modulusBits: coeffModulusBits(plan.parameters).reduce((sum, bits) => sum + bits, 0),
      allowedBits: largestModulusBits(degree, securityBits),
    },
  };
}

const BAR_WIDTH = 32;

function bar(bits: number, limitBits: number): string {
  const filled = Math.min(BAR_WIDTH, Math.max(1, Math.round((BAR_WIDTH * bits) / Math.max(bits, limitBits))));
  return `${'#'.repeat(filled)}${'.'.repeat(BAR_WIDTH - filled)}`;
}

/** The report as lines of text. */
export function noiseReportLines(report: NoiseReport): string[] {
  const { waterfall: steps, limitBits, security, otherFailure: other } = report;
  const width = Math.max(...steps.map(({ name }) => name.length));
  const line = (name: string, bits: number): string =>
    `${name.padEnd(width)}  ${bits.toFixed(2).padStart(6)} bits  ${bar(bits, limitBits)}`;
  const left = limitBits - (steps.at(-1)?.bits ?? 0);
  return [
    ...steps.map(({ name, bits }) => line(name, bits)),
    line('largest that decrypts right, q / 2t', limitBits),
    `left over: ${left.toFixed(2)} bits`,
    `security: q has ${security.modulusBits} bits, the table allows ${security.allowedBits} for ${security.bits} bits of security`,
    ...report.neighbours.map(({ change, consequence }) => `${change}: ${consequence}`),
    other === null
      ? 'under the other failure mode no parameters carry it'
      : `with --failure ${other.failure}: N = ${other.degree}, q of ${other.coeffModulusBits.join(' + ')} bits, ` +
        `${other.bytes.upload} bytes up, ${other.bytes.response} down`,
  ];
}
