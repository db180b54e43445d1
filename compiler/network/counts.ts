import { polynomialBytes, SEAL_SEED_BYTES } from '../bfv/wireBytes.ts';
import { keyCount } from '../lowering/plan.ts';
import type { NetworkBytes, NetworkCounts, NetworkKeys, NetworkParameters } from './plan.ts';
import type { NetworkProgram } from './program.ts';

/** Operations of one run, counted from the program. */
export function countNetwork(program: NetworkProgram, moduli: number): NetworkCounts {
  let [products, rotations, squares, ntt] = [0, 0, 0, 0];
  let isUpload = true;
  for (const step of program.steps) {
    if (step.kind === 'fold') rotations++;
    if (step.kind === 'square') squares++;
    if (step.kind !== 'products') continue;
    const babies = new Set(step.giants.flatMap(({ terms }) => terms.map(({ baby }) => baby)));
    rotations += [...babies].filter((baby) => baby !== 0).length;
    rotations += step.giants.filter((giant) => giant.step !== 0).length;
    products += step.giants.reduce((sum, { terms }) => sum + terms.length, 0);
    // Uploads come transformed.
    ntt += (isUpload ? 0 : babies.size) + step.giants.length;
    isUpload = false;
  }
  return { moduli, inputCiphertexts: program.inputs.length, products, rotations, squares, ntt };
}

/** Rotations that the program makes, each once, ascending; 0 is the exchange of the slot rows. */
function rotationSteps(program: NetworkProgram): number[] {
  const steps = new Set<number>();
  for (const step of program.steps) {
    if (step.kind === 'fold') steps.add(step.step);
    if (step.kind !== 'products') continue;
    for (const giant of step.giants) {
      if (giant.step !== 0) steps.add(giant.step);
      for (const { baby } of giant.terms) if (baby !== 0) steps.add(baby);
    }
  }
  return [...steps].sort((left, right) => left - right);
}

/** Bytes of evaluation keys as they travel: of every key one half for each data prime, under all primes. */
export function keyBytes(keys: Omit<NetworkKeys, 'bytes'>, parameters: NetworkParameters): number {
  const primes = [...parameters.dataPrimes, parameters.specialPrime];
  const half = polynomialBytes(primes, parameters.degree, 0) + SEAL_SEED_BYTES;
  return (keyCount(keys) + (keys.relinearization ? 1 : 0)) * parameters.dataPrimes.length * half;
}

/** The keys that the program uses, and no others. */
export function networkKeys(program: NetworkProgram, parameters: NetworkParameters): NetworkKeys {
  const all = rotationSteps(program);
  const keys = {
    steps: all.filter((step) => step !== 0),
    exchange: all.includes(0),
    relinearization: program.steps.some(({ kind }) => kind === 'square'),
  };
  return { ...keys, bytes: keyBytes(keys, parameters) };
}

/** Bytes of one run. `left`: data primes of the results. */
export function networkBytes(
  program: NetworkProgram,
  parameters: NetworkParameters,
  left: number,
): NetworkBytes {
  const { plainModuli, dataPrimes } = parameters;
  const upload = polynomialBytes(dataPrimes, program.degree, 0) + SEAL_SEED_BYTES;
  const response = 2 * polynomialBytes(dataPrimes.slice(0, left), program.degree, 0);
  return {
    upload: plainModuli.length * program.inputs.length * upload,
    response: plainModuli.length * response,
    keys: networkKeys(program, parameters).bytes,
  };
}
