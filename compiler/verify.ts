import { analyzeAccumulator } from './accumulator.ts';
import { countBytes, countOperations, transferOf } from './counts.ts';
import { diagonalsKeys } from './countsDiagonals.ts';
import { bitLength, contains, datatypeRange } from './interval.ts';
import { greatestCommonDivisor, isPrime } from './modulus.ts';
import { decryptionIsCertain, predictedBudgetBits } from './noise.ts';
import { allPrimes, dataModulus, isToeplitz, normFacts, planNoise } from './plan.ts';
import type { Plan } from './plan.ts';
import { analyzeLanes } from './planKernel.ts';
import { buildProgram, rowNorms } from './program.ts';
import type { Program } from './program.ts';
import { diagonalsNorms } from './programDiagonalsNorms.ts';
import { isDegree, isSecurityBits, largestModulusBits } from './security.ts';
import { verifyDiagonals } from './verifyDiagonals.ts';
import { verifyMatrix } from './verifyMatrix.ts';
import { reject } from './verifyReject.ts';

/**
 * Proof by exhaustion that a plan computes its convolution and always decrypts right: the matrix that the program
 * applies equals the flattened filter matrix, the decode windows are the exact intervals, and the parameters satisfy
 * the noise rule and the security table. compile runs it on its own work, a server before it trusts a plan file.
 */
export function verify(plan: Plan, program: Program = buildProgram(plan)): void {
  verifyParameters(plan);
  verifyWindows(plan);
  verifyNoise(plan, program);
  verifyProduct(plan, program);
  verifyTransfer(plan, program);
  verifyLanes(plan, program);
}

/** The matrix that the program applies is the filter matrix. */
function verifyProduct({ spec }: Plan, program: Program): void {
  switch (program.lowering) {
    case 'toeplitz':
      verifyMatrix(spec, program);
      break;
    case 'diagonals':
      verifyDiagonals(spec, program);
      break;
    default:
      program satisfies never;
  }
}

function requireEqual(where: string, expected: unknown, found: unknown): void {
  const [left, right] = [stableText(expected), stableText(found)];
  if (left !== right) reject(where, 'differs from what the weights say', left, right);
}

/** JSON with the keys of objects in order: a plan file may have them in another one. */
function stableText(value: unknown): string {
  return JSON.stringify(value, (_, item: unknown) =>
    typeof item === 'object' && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).sort(([left], [right]) => (left < right ? -1 : 1)))
      : item,
  );
}

function verifyParameters(plan: Plan): void {
  const { degree, plainModulus, securityBits, dataPrimes, specialPrime } = plan.parameters;
  if (!isDegree(degree))
    reject('parameters.degree', 'not a ring degree', 'a power of two from 1024 to 32768', String(degree));
  if (!isSecurityBits(securityBits)) {
    reject('parameters.securityBits', 'not a security level', '128, 192 or 256', String(securityBits));
  }
  const primes = allPrimes(plan.parameters);
  const rotates = !isToeplitz(plan) && plan.keys.steps.length > 0;
  if (dataPrimes.length === 0 || (dataPrimes.length > 1 || rotates) !== (specialPrime !== null)) {
    reject(
      'parameters',
      'wrong number of primes',
      rotates ? 'data primes and a special prime' : 'one data prime, or several and a special prime',
      String(primes.length),
    );
  }
  primes.forEach((prime, index) => {
    if (bitLength(prime) > 60 || prime % BigInt(2 * degree) !== 1n || !isPrime(prime)) {
      reject(
        `parameters.primes[${index}]`,
        'not an NTT prime',
        `a prime of at most 60 bits, 1 mod ${2 * degree}`,
        String(prime),
      );
    }
    if (greatestCommonDivisor(prime, BigInt(plainModulus)) !== 1n) {
      reject(
        `parameters.primes[${index}]`,
        'shares a factor with t',
        'a prime that does not divide t',
        String(prime),
      );
    }
  });
  if (new Set(primes).size !== primes.length)
    reject('parameters', 'a prime occurs twice', 'distinct primes', primes.join(', '));
  const bits = primes.reduce((sum, prime) => sum + bitLength(prime), 0);
  const allowed = largestModulusBits(degree, securityBits);
  if (bits > allowed) {
    reject(
      'parameters',
      `q is too large for ${securityBits} bits of security at N = ${degree}`,
      `${allowed} bits`,
      `${bits} bits`,
    );
  }
  if (plan.packing.degree !== degree)
    reject('packing.degree', 'differs from the parameters', String(degree), String(plan.packing.degree));
}

function verifyWindows(plan: Plan): void {
  const analysis = analyzeAccumulator(plan.spec);
  const intervals = analysis.channels.map((channel) => channel.interval);
  requireEqual('analysis.channels', intervals, plan.analysis.channels);
  requireEqual('analysis.interval', analysis.interval, plan.analysis.interval);
  requireEqual('analysis.decodeWidth', analysis.decodeWidth, plan.analysis.decodeWidth);
  requireEqual(
    'windows.low',
    intervals.map(({ lo }) => lo),
    plan.windows.low,
  );
  requireEqual(
    'windows.residueLow',
    intervals.map(({ lo }, channel) => lo - plan.spec.bias[channel]!),
    plan.windows.residueLow,
  );
  const { plainModulus } = plan.parameters;
  if (!Number.isSafeInteger(plainModulus) || plainModulus < Math.max(2, analysis.decodeWidth)) {
    reject(
      'parameters.plainModulus',
      'too small for the decode windows',
      `at least ${analysis.decodeWidth}`,
      String(plainModulus),
    );
  }
  if (!isToeplitz(plan)) verifySlots(plan.parameters.degree, plainModulus);
  const declared = plan.spec.accumulator;
  if (declared !== null && !contains(datatypeRange(declared.bits, declared.signed), analysis.interval)) {
    reject(
      'spec.accumulator',
      'the accumulator overflows its declared width',
      `${declared.bits} bits`,
      JSON.stringify(analysis.interval),
    );
  }
}

/** Slots exist for a prime t = 1 mod 2N. */
function verifySlots(degree: number, plainModulus: number): void {
  if (plainModulus % (2 * degree) === 1 && isPrime(BigInt(plainModulus))) return;
  reject('parameters.plainModulus', 'has no slots', `a prime, 1 mod ${2 * degree}`, String(plainModulus));
}

function verifyNorms({ noise }: Plan, program: Program): void {
  switch (program.lowering) {
    case 'toeplitz':
      requireEqual('noise', { ...noise, ...rowNorms(program) }, noise);
      break;
    case 'diagonals':
      requireEqual('noise', { ...noise, ...normFacts(diagonalsNorms(program)) }, noise);
      break;
    default:
      program satisfies never;
  }
}

function verifyNoise(plan: Plan, program: Program): void {
  verifyNorms(plan, program);
  verifyWire(plan);
  const q = dataModulus(plan.parameters);
  const { plainModulus } = plan.parameters;
  const { response } = planNoise(plan);
  if (!decryptionIsCertain(q, plainModulus, response)) {
    reject(
      'parameters',
      'decryption could fail',
      `q above t x noise = ${plainModulus} x ${response}`,
      `q = ${q}`,
    );
  }
  const predicted = predictedBudgetBits(q, plainModulus, response);
  requireEqual('noise.predictedBudgetBits', predicted, plan.noise.predictedBudgetBits);
}

/** Something of every coefficient travels; with several primes all of it does. */
function verifyWire(plan: Plan): void {
  const { parameters, wire } = plan;
  const [first] = allPrimes(parameters);
  const limit = parameters.dataPrimes.length === 1 && first !== undefined ? bitLength(first) - 2 : 0;
  const { upload, ...droppedBits } = wire;
  // Rotations are SEAL's business: there is nothing to read off a whole upload.
  if (upload !== 'seeded' && !isToeplitz(plan))
    reject('wire.upload', 'uploads of a diagonals plan are seeded', 'seeded', upload);
  for (const [name, dropped] of Object.entries(droppedBits)) {
    if (!Number.isInteger(dropped) || dropped < 0 || dropped > limit) {
      reject(`wire.${name}`, 'too many bits dropped', `from 0 to ${limit}`, String(dropped));
    }
  }
}

function verifyTransfer(plan: Plan, program: Program): void {
  const { usedChunks, emptyRows } = transferOf(program);
  requireEqual('transfer.usedChunks', usedChunks, plan.transfer.usedChunks);
  requireEqual('transfer.emptyRows', emptyRows, plan.transfer.emptyRows);
  requireEqual('counts', countOperations(program, plan.kernel), plan.counts);
  requireEqual('bytes', countBytes(program, plan.parameters, plan.wire), plan.bytes);
  if (program.lowering === 'diagonals' && !isToeplitz(plan))
    requireEqual('keys', diagonalsKeys(program, plan.parameters), plan.keys);
}

/** The direct kernel's lanes are exactly those that the analysis gives, so no sum can leave one. */
function verifyLanes({ kernel, direct, parameters }: Plan, program: Program): void {
  if ((kernel === 'direct') !== (direct !== null)) {
    reject('direct', 'lanes belong to the direct kernel, and to it alone', kernel, JSON.stringify(direct));
  }
  if (direct === null) return;
  if (program.lowering !== 'toeplitz')
    reject('kernel', 'the direct kernel does not rotate', 'toeplitz', program.lowering);
  const analysis = analyzeLanes(parameters, program);
  if (analysis.kind === 'refused')
    reject('direct', 'the direct kernel cannot execute the plan', analysis.expected, analysis.found);
  requireEqual('direct', analysis.lanes, direct);
}
