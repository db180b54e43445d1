/**
 * Choosing parameters: one filter at growing accumulator widths, both lowerings, failure modes and security levels.
 * Checks that every plan keeps the security table, that wider accumulators never need fewer bits, and that runs keep the
 * predicted noise budgets.
 */
import { compile, makeSpec, makeTensor, run } from '../../src/index.ts';
import type { ConvSpec, Plan } from '../../src/index.ts';

const SIZE = 12;

/** Bits of q for 128 bits of security, by ring degree, and for 192 (see docs/architecture.md). */
const TABLE: Readonly<Record<number, Readonly<Record<number, number>>>> = {
  128: { 1024: 26, 2048: 53, 4096: 106, 8192: 214, 16384: 430, 32768: 868 },
  192: { 1024: 19, 2048: 37, 4096: 75, 8192: 152, 16384: 305, 32768: 611 },
};

/** A 3x3 filter of the largest weights over a 12x12 picture, all of `bits` bits. */
function filterOf(bits: number): ConvSpec {
  return makeSpec({
    name: `${bits}-bit`,
    input: {
      batch: 1,
      channels: 1,
      height: SIZE,
      width: SIZE,
      bits,
      signed: false,
      zeroPoint: 0,
      range: { lo: 0, hi: 2 ** bits - 1 },
    },
    weights: {
      outChannels: 1,
      channelsPerGroup: 1,
      kernelHeight: 3,
      kernelWidth: 3,
      bits,
      signed: false,
      zeroPoints: [0],
      values: new Array<number>(9).fill(2 ** bits - 1),
    },
    bias: [0],
    strides: [1, 1],
    pads: [1, 1, 1, 1],
    dilations: [1, 1],
    group: 1,
    accumulator: null,
  });
}

function modulusBits({ parameters }: Plan): number {
  const { dataPrimes, specialPrime } = parameters;
  return [...dataPrimes, ...(specialPrime === null ? [] : [specialPrime])].reduce(
    (sum, prime) => sum + BigInt(prime).toString(2).length,
    0,
  );
}

let wrong = 0;
function check(what: string, holds: boolean): void {
  if (holds) return;
  wrong++;
  process.stdout.write(`NOT SO: ${what}\n`);
}

function describe(plan: Plan): string {
  const { degree, plainModulus } = plan.parameters;
  return `t = ${plainModulus}, N = ${degree}, q of ${modulusBits(plan)} bits, failure ${plan.noise.failure}`;
}

const CHOICES = [
  { lowering: 'toeplitz' },
  { lowering: 'toeplitz', failure: '2^-128' },
  { lowering: 'toeplitz', security: 192 },
  { lowering: 'diagonals' },
  { lowering: 'diagonals', failure: 'never' },
] as const;

let runs = 0;
for (const choice of CHOICES) {
  let before = 0;
  for (const bits of [1, 2, 4, 8]) {
    const spec = filterOf(bits);
    const plan: Plan = compile(spec, choice);
    const { required } = plan.analysis;
    process.stdout.write(`${JSON.stringify(choice)} ${required.bits}-bit accumulator: ${describe(plan)}\n`);
    const allowed = TABLE[plan.parameters.securityBits]?.[plan.parameters.degree] ?? 0;
    check(`${spec.name} keeps the table`, modulusBits(plan) <= allowed);
    check(`${spec.name} needs no fewer bits than a narrower one`, modulusBits(plan) >= before);
    before = choice.lowering === 'toeplitz' ? modulusBits(plan) : 0;
    const pixels = Array.from({ length: SIZE * SIZE }, (_, index) => (index * 7) % 2 ** bits);
    const { report } = await run(plan, makeTensor([1, 1, SIZE, SIZE], pixels));
    check(`${spec.name} is equal`, report.match);
    check(
      `${spec.name} keeps its budget`,
      report.noise.measuredBudgetBits >= report.noise.predictedBudgetBits,
    );
    runs++;
  }
}
process.stdout.write(`runs equal, plans as they promise: ${runs - wrong} of ${runs}\n`);
if (wrong > 0) process.exitCode = 1;
