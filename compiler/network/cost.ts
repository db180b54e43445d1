import { longestRow, tapsPerCiphertext } from './program.ts';
import type { StagePrimes } from './program.ts';
import type { StageChoice, StageLayout } from './placement.ts';
import type { NetworkSpec } from './spec.ts';

/**
 * Milliseconds of node-seal's operations at N = 8192 with k data primes, measured on one core of an EPYC: a key switch
 * works on k digits under k + 1 primes, the rest prime by prime. Doubling N takes a little more than twice the time.
 */
const PER_8192 = { switch: 0.27, square: 3.5, ntt: 0.24, product: 0.1, drop: 0.2 } as const;

function perDegree(degree: number): number {
  return (degree / 8192) ** 1.1;
}

/** Milliseconds of one stage under one plain modulus, the square before it included. */
function stageMilliseconds(layout: StageLayout, inputs: number, babies: number, primes: StagePrimes): number {
  const { switch: keySwitch, ntt, product } = PER_8192;
  const giants = Math.ceil(layout.offsets / babies);
  const rotations = Math.min(babies, layout.offsets) - 1 + giants - 1;
  const transforms = (inputs === 1 ? Math.min(babies, layout.offsets) : inputs) + giants;
  const at = primes.products;
  const products = inputs === 1 ? layout.offsets : inputs;
  return (
    rotations * keySwitch * at * (at + 1) +
    transforms * ntt * at +
    products * product * at +
    layout.folds.length * keySwitch * primes.sums * (primes.sums + 1)
  );
}

function squareMilliseconds(primes: number): number {
  return PER_8192.square * primes + PER_8192.switch * primes * (primes + 1);
}

/** Milliseconds of one run under one plain modulus. */
export function networkMilliseconds(
  spec: NetworkSpec,
  layouts: readonly StageLayout[],
  choices: readonly StageChoice[],
  primes: readonly StagePrimes[],
  degree: number,
): number {
  const total = layouts.reduce((sum, layout, index) => {
    const left = primes[index]!;
    const before = primes[index - 1];
    const choice = choices[index - 1];
    if (before === undefined || choice === undefined) {
      const inputs = Math.ceil(longestRow(spec.stages[index]!) / tapsPerCiphertext(layout));
      return sum + stageMilliseconds(layout, Math.max(1, inputs), 1, left);
    }
    return sum + squareMilliseconds(before.sums) + stageMilliseconds(layout, 1, choice.babies, left);
  }, 0);
  return total * perDegree(degree);
}
