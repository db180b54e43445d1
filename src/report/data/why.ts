import { coeffModulusBits } from '../../../compiler/bfv/parameters.ts';
import { largestModulusBits } from '../../../compiler/bfv/security.ts';
import type { Plan } from '../../../compiler/lowerings/plan.ts';
import { refusalReason } from '../loweringReport.ts';
import type { NoiseReport } from '../noiseReport.ts';
import type { EncryptedLayer } from './report.ts';

/** Why the parameters of a plan are what they are, in a sentence each. */
export function reasonsOf(plan: Plan, noise: NoiseReport): EncryptedLayer['why'] {
  return { t: whyT(plan), q: whyQ(plan, noise), N: whyN(plan) };
}

function whyT({ analysis, parameters, lowering }: Plan): string {
  const { lo, hi } = widest(analysis.channels);
  const { plainModulus, degree } = parameters;
  const values = `The widest output channel reaches ${lo} to ${hi}, which is ${analysis.decodeWidth} values.`;
  if (lowering === 'toeplitz') {
    const own = plainModulus === analysis.decodeWidth ? 'just as many' : 'no fewer';
    return `${values} BFV computes modulo t, so t = ${plainModulus}, ${own}, tells all of them apart.`;
  }
  return `${values} Slots need a prime t with t = 1 modulo 2N = ${2 * degree}, and ${plainModulus} is one that holds them.`;
}

function widest(channels: readonly { readonly lo: number; readonly hi: number }[]): {
  lo: number;
  hi: number;
} {
  return channels.reduce((most, next) => (next.hi - next.lo > most.hi - most.lo ? next : most), {
    lo: 0,
    hi: 0,
  });
}

function whyQ(plan: Plan, { waterfall, limitBits }: NoiseReport): string {
  const bits = coeffModulusBits(plan.parameters);
  const last = waterfall.at(-1)?.bits ?? 0;
  const chance =
    plan.noise.failure === 'never'
      ? 'so decryption of an honest result cannot fail'
      : 'so decryption of an honest result fails with probability at most 2^-128';
  const special =
    plan.parameters.specialPrime === null ? '' : ' The last prime is for rotations and carries no data.';
  return (
    `The noise of a result is at most 2^${last.toFixed(2)}, and q / 2t is 2^${limitBits.toFixed(2)}, ${chance}: ` +
    `q has ${bits.join(' + ')} bits.${special}`
  );
}

function whyN(plan: Plan): string {
  const { degree, securityBits } = plan.parameters;
  const bits = coeffModulusBits(plan.parameters).reduce((sum, prime) => sum + prime, 0);
  const allowed = largestModulusBits(degree, securityBits);
  const security = `At N = ${degree} the table allows a q of ${allowed} bits for ${securityBits} bits of security, and ${bits} are taken.`;
  const smaller = plan.report.refused.find((refused) => refused.degree === degree / 2);
  if (plan.request.degree !== 'auto') return `${security} N was asked for.`;
  return smaller === undefined
    ? security
    : `${security} N = ${smaller.degree} was refused: ${refusalReason(smaller)}.`;
}
