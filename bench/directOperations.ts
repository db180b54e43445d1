import type { DirectCosts } from '../compiler/cost/operationCosts.ts';
import { nttPrimes } from '../compiler/rings/primes.ts';
import type { StepBlock } from '../compiler/toeplitz/direct/steps.ts';
import type { Degree } from '../compiler/bfv/security.ts';
import { DirectKernel } from '../runtime/evaluator/direct/kernel.ts';
import { POLYNOMIALS } from '../runtime/evaluator/direct/lists.ts';
import type { DirectModule } from '../runtime/evaluator/direct/module.ts';
import { median } from '../src/bench/rawOperations.ts';
import type { Parameters } from '../compiler/bfv/parameters.ts';
import { largestLaneL1, limbsFor } from '../compiler/rings/digits.ts';

/** Times the parts of the direct kernel on made-up steps: what the packing search estimates it by. */

const PLANES = 32;
const DEGREE: Degree = 4096;
const BITS = 32;
const ROUNDS = 9;
/** Neighbouring taps of a plane. */
const TAPS = 8;

/** Steps over all planes, `perPlane` of each, with small weights. */
function madeUpBlock(width: 1 | 4, perPlane: number): StepBlock {
  const steps = PLANES * perPlane;
  return {
    rows: Array.from({ length: width }, (_, row) => row),
    width,
    planes: Int32Array.from({ length: steps }, (_, step) => Math.floor(step / perPlane)),
    exponents: Int32Array.from({ length: steps }, (_, step) => (step % perPlane) * 3),
    weights: Int16Array.from({ length: 2 * width * steps }, (_, index) => (index % 15) - 7),
    foldEnds: [steps],
    foldL1: 7 * 2 * steps,
  };
}

function nanoseconds(repeats: number, action: () => void): number {
  const start = performance.now();
  for (let index = 0; index < repeats; index++) action();
  return ((performance.now() - start) * 1e6) / repeats;
}

/** Nanoseconds, medians; every figure is for one limb. */
export function measureDirect(module: DirectModule): DirectCosts {
  const prime = nttPrimes(DEGREE, BITS - 1, 1)[0]!;
  const parameters: Parameters = {
    degree: DEGREE,
    plainModulus: 100,
    dataPrimes: [String(prime)],
    specialPrime: null,
    securityBits: 128,
  };
  const { limbs, limbBits } = limbsFor(prime);
  const planes = Array.from({ length: PLANES }, (_, index) => ({
    kind: 'pair' as const,
    left: 2 * index,
    right: 2 * index + 1,
  }));
  const blocks = [madeUpBlock(4, 1), madeUpBlock(4, TAPS), madeUpBlock(1, 1), madeUpBlock(1, TAPS)];
  const kernel = new DirectKernel(module, {
    parameters,
    computed: 'both',
    droppedBits: 0,
    lanes: { limbBits, limbs, laneL1: largestLaneL1(limbBits), folds: 1 },
    schedule: { planes, blocks, reach: 3 * TAPS, folds: 1, foldL1: 7 * 2 * PLANES * TAPS },
    groups: [
      {
        inputs: [],
        outputs: [
          { coefficients: Int32Array.from({ length: DEGREE }, (_, at) => at), elements: new Int32Array(0) },
        ],
      },
    ],
  });
  for (const side of [0, 1] as const)
    kernel.inputWords(side).forEach((_, at, words) => (words[at] = at % 2 === 0 ? at * 7919 : 0));
  const coefficients = 2 * DEGREE * limbs;
  const split: number[] = [];
  const runs: number[][] = blocks.map(() => []);
  for (let round = 0; round <= ROUNDS; round++) {
    const perPlane = nanoseconds(PLANES, () => {
      kernel.loadPlane(round % PLANES);
    });
    const perBlock = blocks.map((_, index) =>
      nanoseconds(4, () => {
        for (const polynomial of POLYNOMIALS.both) kernel.runBlock(index, 0, polynomial);
      }),
    );
    if (round === 0) continue;
    split.push(perPlane / (2 * coefficients));
    perBlock.forEach((time, index) => runs[index]!.push(time / coefficients));
  }
  const [few4, many4, few1, many1] = runs.map(median) as [number, number, number, number];
  const more = PLANES * (TAPS - 1);
  const fourRows = (many4 - few4) / (4 * more);
  const oneRow = (many1 - few1) / more;
  return { fourRows, oneRow, finish: (few4 - 4 * PLANES * fourRows) / 4, split: median(split) };
}
