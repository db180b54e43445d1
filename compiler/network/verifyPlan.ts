import { reject, requireEqual } from '../base/reject.ts';
import { greatestCommonDivisor } from '../rings/primes.ts';
import { checkNetworkParameters } from './checkParameters.ts';
import { checkNetwork } from './checkSpec.ts';
import { networkAnalysis } from './compile.ts';
import { countNetwork, networkBytes } from './counts.ts';
import { NoiseModel } from './noise.ts';
import { plaintextSquares } from './norms.ts';
import type { NetworkParameters, NetworkPlan } from './plan.ts';
import { buildNetworkProgram, layoutsOf, stepsWithDrops } from './program.ts';
import type { NetworkProgram } from './program.ts';
import { proveNetwork } from './prove.ts';
import type { NetworkProof } from './prove.ts';
import { verifyNetworkProgram } from './verify.ts';

function checkModuli({ plainModuli }: NetworkParameters, proof: NetworkProof): void {
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
  checkNetworkParameters(parameters);
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
