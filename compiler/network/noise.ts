import { decryptionIsCertain, predictedBudgetBits } from '../bfv/noise.ts';
import { foldGain } from './foldGain.ts';
import type { FoldGain } from './foldGain.ts';
import type { NetworkProgram, NetworkStep } from './program.ts';

/**
 * The noise of a network, modelled. v = c0 + c1 s - (q/t) m as in bfv/noise.ts; decryption is right exactly when
 * |v| < q / (2t). A square multiplies the noise by a polynomial that depends on the secret, so a worst case over all
 * secrets is out of reach; the statement is about a probability instead.
 *
 * Followed is a standard deviation, once for the coefficient that has most (`peak`) and once as the root of the mean
 * square over all coefficients (`rms`). Steps, N the degree, 2/3 the variance of a ternary coefficient:
 *
 * - fresh: 10.5 (42 coins) and the rounding of the message, 1/12;
 * - product with a plaintext w: |w|_2 times (exact for independent coefficients). Ciphertexts of one upload are independent
 *   of each other: squares add. Rotations of one ciphertext are not: for the peak deviations add (Cauchy-Schwarz);
 * - rotation, relinearization: 10.5 N sum (q_i / P)^2 for the digits, which lie in [0, q_i), and (1 + 2N/3)/12 for
 *   rounding (the proxy of diagonals/noise.ts);
 * - fold: exact gains of foldGain.ts: some coefficients meet themselves;
 * - square: with A = (t/q)(c0 + c1 s), whose coefficients have variance t^2 (1 + 2N/3)/12 because c0 and c1 are uniform,
 *   v' = 2 v A - (t/q) v^2 + rounding (Fan and Vercauteren 2012; the same terms in Kim, Polyakov and Zucca 2021): deviation
 *   2 |v|_2 t sqrt((1 + 2N/3)/12). Products of the secret with itself are larger than those of independent polynomials:
 *   s^k has k! times the variance (Gaussian moments; measured by Biasioli and others 2023), so square number j takes a
 *   factor sqrt(j + 1). |v|_2^2 and |A|_2^2 are taken above their mean, as far as 2^-128 asks. Rounding: SEAL's base
 *   conversions are off by at most k + 1 (Bajard, Eynard, Hasan and Zucca 2016) in each of three polynomials;
 * - switching the last prime q_l away: v / q_l and (1 + 2N/3)/12; within products each source and each giant by itself.
 *
 * The end: no coefficient passes z deviations of its peak, z^2 = 2 ln 2 (128 + 1 + log2 N), with probability above 2^-128,
 * if the sums behave as the Gaussians that they are close to.
 */
export interface NoiseParameters {
  readonly degree: number;
  /** t, the largest of the plain moduli. */
  readonly plainModulus: number;
  readonly dataPrimes: readonly bigint[];
  readonly specialPrime: bigint;
}

/** Noise after one step. */
export interface NetworkNoise {
  /** Of the step; `fresh` is before the first one. */
  readonly kind: 'fresh' | NetworkStep['kind'];
  /** Data primes that are left. */
  readonly primes: number;
  /** Standard deviation in the coefficient that has most. */
  readonly peak: number;
  /** The budget that SEAL measures at least, bits. */
  readonly budgetBits: number;
  /** Whether the bound is below q / (2t), by the margin of bfv/noise.ts. */
  readonly isRight: boolean;
}

/** A part of the noise whose coefficients were alike before the folds since. */
interface Part {
  readonly peak: number;
  readonly rms: number;
  readonly folds: readonly number[];
}

/** Steps do not meet the same chain of folds thousands of times for nothing. */
class Gains {
  readonly #known = new Map<string, FoldGain>();
  readonly #degree: number;

  constructor(degree: number) {
    this.#degree = degree;
  }

  of(folds: readonly number[]): FoldGain {
    const key = folds.join();
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const gain = foldGain(this.#degree, folds);
    this.#known.set(key, gain);
    return gain;
  }
}

/** Deviations that are not passed with probability above 2^-128 over N coefficients. */
function tailFactor(degree: number): number {
  return Math.sqrt(2 * Math.LN2 * (129 + Math.log2(degree)));
}

/** What stays the same while parameters are searched for: the program's norms and gains. */
export class NoiseModel {
  readonly #program: NetworkProgram;
  readonly #norms: readonly number[];
  readonly #gains: Gains;

  /** @param squares of the L2 norms of the plaintexts */
  constructor(program: NetworkProgram, squares: readonly number[]) {
    this.#program = program;
    this.#norms = squares.map(Math.sqrt);
    this.#gains = new Gains(program.degree);
  }

  /** Noise after every step, the fresh one first. `steps`: those of the program, or others with the same products. */
  stages(parameters: NoiseParameters, steps: readonly NetworkStep[] = this.#program.steps): NetworkNoise[] {
    const run = new NoiseRun(this.#norms, this.#gains, parameters);
    return [run.noise('fresh'), ...steps.map((step) => run.step(step))];
  }
}

class NoiseRun {
  readonly #norms: readonly number[];
  readonly #gains: Gains;
  readonly #parameters: NoiseParameters;
  readonly #primes: number[];
  readonly #tail: number;
  /** (1 + 2N/3)/12. */
  readonly #rounding: number;
  #parts: readonly Part[];
  #squares = 0;
  #isUpload = true;

  constructor(norms: readonly number[], gains: Gains, parameters: NoiseParameters) {
    const { degree } = parameters;
    this.#norms = norms;
    this.#gains = gains;
    this.#parameters = parameters;
    this.#primes = parameters.dataPrimes.map(Number);
    this.#tail = tailFactor(degree);
    this.#rounding = (1 + (2 * degree) / 3) / 12;
    this.#parts = [even(Math.sqrt(10.5 + 1 / 12))];
  }

  #total(which: 'peak' | 'rms'): number {
    return Math.hypot(...this.#parts.map((part) => part[which] * this.#gains.of(part.folds)[which]));
  }

  /** Deviation that one key switch adds. */
  #switched(): number {
    const special = Number(this.#parameters.specialPrime);
    const digits = this.#primes.reduce((sum, prime) => sum + (prime / special) ** 2, 0);
    return Math.sqrt(10.5 * this.#parameters.degree * digits + this.#rounding);
  }

  #products({ giants, drops }: Extract<NetworkStep, { kind: 'products' }>): void {
    const before = { peak: this.#total('peak'), rms: this.#total('rms') };
    const added = this.#switched();
    const sources = this.#dropped(drops.sources);
    const source = (which: 'peak' | 'rms', baby: number): number =>
      Math.hypot(Math.hypot(before[which], baby === 0 ? 0 : added) / sources.divisor, sources.rounding);
    let [linear, square, meanSquare] = [0, 0, 0];
    for (const { terms } of giants) {
      for (const { baby, plaintext } of terms) {
        const norm = this.#norms[plaintext]!;
        linear += norm * source('peak', baby);
        square += (norm * source('peak', baby)) ** 2;
        meanSquare += (norm * source('rms', baby)) ** 2;
      }
    }
    const peak = this.#isUpload ? Math.sqrt(square) : linear;
    this.#isUpload = false;
    const { divisor, rounding } = this.#dropped(drops.giants);
    const rotated = giants.filter(({ step }) => step !== 0).length;
    this.#parts = [
      { peak: peak / divisor, rms: Math.sqrt(meanSquare) / divisor, folds: [] },
      even(rounding * Math.sqrt(giants.length)),
      even(this.#switched() * Math.sqrt(rotated)),
    ];
  }

  /** The last `count` primes are dropped: what noise is divided by, and the deviation that is added then. */
  #dropped(count: number): { readonly divisor: number; readonly rounding: number } {
    let [divisor, square] = [1, 0];
    for (let dropped = 0; dropped < count; dropped++) {
      const prime = this.#primes.pop() ?? 1;
      divisor *= prime;
      square = square / prime ** 2 + this.#rounding;
    }
    return { divisor, rounding: Math.sqrt(square) };
  }

  #fold(step: number): void {
    const grown = this.#parts.map((part) => ({ ...part, folds: [...part.folds, step] }));
    this.#parts = [...grown, even(this.#switched())];
  }

  #square(): void {
    const { degree, plainModulus } = this.#parameters;
    this.#squares++;
    const [rms, peak] = [this.#total('rms'), this.#total('peak')];
    const norm = Math.sqrt(degree * rms * rms + (this.#tail * peak) ** 2);
    const q = this.#primes.reduce((product, prime) => product * prime, 1);
    const above = Math.sqrt(1 + this.#tail * Math.sqrt(2 / degree)) * Math.sqrt(this.#squares + 1);
    const main = 2 * norm * plainModulus * Math.sqrt(this.#rounding) * above;
    const own = (plainModulus / q) * norm * norm;
    const conversions = (this.#primes.length + 1) ** 2 * (1 + (2 * degree) / 3 + (8 * degree * degree) / 9);
    this.#parts = [even(Math.hypot(main, own, Math.sqrt(conversions), this.#switched()))];
  }

  step(step: NetworkStep): NetworkNoise {
    if (step.kind === 'products') this.#products(step);
    else if (step.kind === 'fold') this.#fold(step.step);
    else if (step.kind === 'add' || step.kind === 'mask') this.#parts = [...this.#parts, even(1)];
    else this.#square();
    return this.noise(step.kind);
  }

  noise(kind: NetworkNoise['kind']): NetworkNoise {
    const peak = this.#total('peak');
    const { plainModulus, dataPrimes } = this.#parameters;
    const q = dataPrimes.slice(0, this.#primes.length).reduce((product, prime) => product * prime, 1n);
    const bound = BigInt(Math.ceil(2 * this.#tail * peak));
    return {
      kind,
      primes: this.#primes.length,
      peak,
      budgetBits: predictedBudgetBits(q, plainModulus, bound),
      isRight: decryptionIsCertain(q, plainModulus, bound),
    };
  }
}

/** Noise that is alike in all coefficients. */
function even(deviation: number): Part {
  return { peak: deviation, rms: deviation, folds: [] };
}
