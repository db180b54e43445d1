import { reject, requireEqual } from '../base/reject.ts';
import { bitLength } from '../base/interval.ts';
import { isDegree, isSecurityBits, largestModulusBits } from '../bfv/security.ts';
import { greatestCommonDivisor, isPrime, MAX_PRIME_BITS } from '../rings/primes.ts';
import { checkNetwork } from './checkSpec.ts';
import { NETWORK_DEGREES, networkAnalysis } from './compile.ts';
import { countNetwork, networkBytes } from './counts.ts';
import { NoiseModel } from './noise.ts';
import { plaintextSquares } from './norms.ts';
import { MOST_MODULI } from './plainModuli.ts';
import type { NetworkParameters, NetworkPlan } from './plan.ts';
import { buildNetworkProgram, layoutsOf, stepsWithDrops } from './program.ts';
import type { NetworkProgram } from './program.ts';
import { proveNetwork } from './prove.ts';
import type { NetworkProof } from './prove.ts';
import { verifyNetworkProgram } from './verify.ts';

function checkPrimes({
  degree,
  plainModuli,
  dataPrimes,
  specialPrime,
  securityBits,
}: NetworkParameters): void {
  if (!isDegree(degree) || !(NETWORK_DEGREES as readonly number[]).includes(degree))
    reject('parameters.degree', 'not a degree of networks', NETWORK_DEGREES.join(' or '), String(degree));
  if (!isSecurityBits(securityBits))
    reject('parameters', 'no such security', '128, 192, 256', String(securityBits));
  const primes = [...dataPrimes, specialPrime].map(BigInt);
  const all = [...primes, ...plainModuli.map(BigInt)];
  if (new Set(all).size !== all.length) reject('parameters', 'a prime twice', 'each once', all.join(', '));
  const step = BigInt(2 * degree);
  for (const prime of all)
    if (prime % step !== 1n || bitLength(prime) > MAX_PRIME_BITS || !isPrime(prime))
      reject('parameters', 'not a prime of this ring', `a prime = 1 mod ${step}`, String(prime));
  const bits = primes.reduce((sum, prime) => sum + bitLength(prime), 0);
  const most = largestModulusBits(degree, securityBits);
  if (bits > most)
    reject('parameters', 'q is too large to be secure', `at most ${most} bits`, `${bits} bits`);
}

function checkModuli({ plainModuli }: NetworkParameters, proof: NetworkProof): void {
  if (plainModuli.length === 0 || plainModuli.length > MOST_MODULI)
    reject(
      'parameters.plainModuli',
      'not as many moduli as networks have',
      `1 to ${MOST_MODULI}`,
      String(plainModuli.length),
    );
  if (plainModuli.some((modulus) => bitLength(BigInt(modulus)) > 32))
    reject(
      'parameters.plainModuli',
      'a plain modulus that is too large',
      'at most 32 bits',
      plainModuli.join(', '),
    );
  const product = plainModuli.reduce((all, modulus) => all * BigInt(modulus), 1n);
  if (product < proof.width)
    reject(
      'parameters.plainModuli',
      'the logits do not fit',
      `a product of at least ${proof.width}`,
      String(product),
    );
  for (const { modulus } of proof.logits)
    if (modulus !== 0n && greatestCommonDivisor(modulus, product) !== 1n)
      reject(
        'parameters.plainModuli',
        'a modulus without an inverse',
        `coprime to ${modulus}`,
        plainModuli.join(', '),
      );
}

function checkDrops({ primes, spec, parameters }: NetworkPlan): void {
  const sequence = primes.flatMap(({ products, sums }) => [products, sums]);
  const falls = sequence.every(
    (left, index) => Number.isInteger(left) && left >= 1 && left <= (sequence[index - 1] ?? left),
  );
  if (primes.length !== spec.stages.length || sequence[0] !== parameters.dataPrimes.length || !falls)
    reject(
      'primes',
      'not a way to drop primes',
      'from all of them down, two numbers a stage',
      sequence.join(', '),
    );
}

function checkNoise(plan: NetworkPlan, program: NetworkProgram): void {
  const { degree, plainModuli, dataPrimes, specialPrime } = plan.parameters;
  const model = new NoiseModel(program, plaintextSquares(program, plainModuli));
  const stages = model.stages(
    {
      degree,
      plainModulus: Math.max(...plainModuli),
      dataPrimes: dataPrimes.map(BigInt),
      specialPrime: BigInt(specialPrime),
    },
    stepsWithDrops(program, plan.primes),
  );
  const wrong = stages.find(({ isRight }) => !isRight);
  if (wrong !== undefined)
    reject(
      'noise',
      'decryption may fail',
      'a noise below q / 2t after every step',
      `${wrong.kind}: too much`,
    );
  requireEqual('noise.predictedBudgetBits', stages.at(-1)?.budgetBits, plan.noise.predictedBudgetBits);
}

/**
 * Proves a plan that comes from outside: its widths, primes and q, and, exhaustively, that its program computes the
 * network. Noise is recomputed by the model; counts and bytes are compared with what the same code gives again.
 * @returns the program, which is now to be trusted
 * @throws CipherconvError `plan-rejected`, or `unsupported` for a network that is none.
 */
export function verifyNetwork(plan: NetworkPlan): NetworkProgram {
  const { spec, parameters, layout } = plan;
  checkNetwork(spec);
  checkPrimes(parameters);
  const proof = proveNetwork(spec);
  requireEqual('analysis', networkAnalysis(proof), plan.analysis);
  checkModuli(parameters, proof);
  checkDrops(plan);
  if (layout.some(({ babies, copyBits }) => !(babies >= 1) || !(copyBits >= 0)))
    reject('layout', 'not a layout', 'babies from 1, copyBits from 0', JSON.stringify(layout));
  if (layout.length !== spec.stages.length - 1 || layoutsOf(spec, parameters.degree, layout) === null)
    reject(
      'layout',
      'a layout that does not fit the network',
      'one choice for every stage but the first',
      'another',
    );
  const program = buildNetworkProgram(spec, parameters.degree, layout);
  verifyNetworkProgram(spec, program);
  checkNoise(plan, program);
  requireEqual('counts', countNetwork(program, parameters.plainModuli.length), plan.counts);
  requireEqual('bytes', networkBytes(program, parameters, plan.primes.at(-1)?.sums ?? 1), plan.bytes);
  return program;
}
