import type { Tensor } from '../../compiler/base/tensor.ts';
import { outputShape } from '../../compiler/convolution/shape.ts';
import { decodeResidue } from '../../compiler/lowering/plan.ts';
import type { BlockGroup } from '../../compiler/toeplitz/placement.ts';
import type { ToeplitzPlan } from '../../compiler/toeplitz/plan.ts';
import type { RingPlaintext, ToeplitzProgram } from '../../compiler/toeplitz/program.ts';
import { randomIntegers } from './specs.ts';

/**
 * The protocol with hints in plain integers, one prime, written from its definition: no ring arithmetic, no kernel and no
 * codec. The secret is sparse, so that products with it are cheap; what it hides does not matter here.
 */

type Polynomial = BigInt64Array;

const SECRET_WEIGHT = 4;
const ERROR = 21n;

/** A multiple of X^exponent: where it lands and its sign. */
function* shifted(degree: number, exponent: number): Generator<[from: number, to: number, sign: bigint]> {
  for (let from = 0; from < degree; from++) {
    const to = from + exponent;
    yield to < degree ? [from, to, 1n] : [from, to - degree, -1n];
  }
}

function addProduct(
  sum: Polynomial,
  exponent: number,
  factor: bigint,
  polynomial: Polynomial,
  q: bigint,
): void {
  for (const [from, to, sign] of shifted(sum.length, exponent))
    sum[to] = (sum[to]! + ((sign * factor * polynomial[from]!) % q)) % q;
}

function mod(value: bigint, modulus: bigint): bigint {
  const rest = value % modulus;
  return rest < 0n ? rest + modulus : rest;
}

/** What of the protocol a test sees. */
export interface HintRun {
  readonly output: Tensor;
  /** Largest |v| of an output, v the noise of what is decrypted, times t so that it is an integer. */
  readonly scaledNoise: bigint;
}

/** How errors are drawn: at random, or so that the noise of each row's first output comes out as large as it can. */
export type Errors = 'random' | 'worst';

/** Runs a plan of one prime on `input` (NCHW, raw values). */
export function runWithHint(
  plan: ToeplitzPlan,
  program: ToeplitzProgram,
  input: Tensor,
  seed: number,
  errors: Errors,
): HintRun {
  const [prime] = plan.parameters.dataPrimes;
  const state: State = {
    plan,
    program,
    q: BigInt(prime!),
    t: BigInt(plan.parameters.plainModulus),
    random: randomIntegers(seed),
  };
  const { batch, channels, height, width } = outputShape(plan.spec);
  const output = new Float64Array(batch * channels * height * width);
  const publics = new Map(plan.transfer.usedChunks.map((chunk) => [chunk, uniform(state)]));
  let scaledNoise = 0n;
  for (const group of program.blockGroups) {
    const noise = runGroup(state, group, publics, input, errors, output);
    if (noise > scaledNoise) scaledNoise = noise;
  }
  return { output: { shape: [batch, channels, height, width], data: output }, scaledNoise };
}

interface State {
  readonly plan: ToeplitzPlan;
  readonly program: ToeplitzProgram;
  readonly q: bigint;
  readonly t: bigint;
  readonly random: (low: number, high: number) => number;
}

function uniform({ program, q, random }: State): Polynomial {
  return BigInt64Array.from({ length: program.degree }, () =>
    mod((BigInt(random(0, 2 ** 31 - 1)) << 31n) + BigInt(random(0, 2 ** 31 - 1)), q),
  );
}

function runGroup(
  state: State,
  group: BlockGroup,
  publics: ReadonlyMap<number, Polynomial>,
  input: Tensor,
  errors: Errors,
  output: Float64Array,
): bigint {
  const { plan, program, q, t, random } = state;
  const { degree } = program;
  const secret = Array.from({ length: SECRET_WEIGHT }, () => ({
    exponent: random(0, degree - 1),
    sign: random(0, 1) === 0 ? -1n : 1n,
  }));
  const timesSecret = (polynomial: Polynomial): Polynomial => {
    const product = new BigInt64Array(degree);
    for (const { exponent, sign } of secret) addProduct(product, exponent, sign, polynomial, q);
    return product;
  };
  const shape = outputShape(plan.spec);
  let largest = 0n;
  // Worst errors are those of one row, so each row gets an upload of its own then.
  const shared = errors === 'random' ? uploadsOf(state, group, publics, timesSecret, input, null) : null;
  program.rows.forEach((terms, row) => {
    const placement = group.outputs[row]!;
    const uploads = shared ?? uploadsOf(state, group, publics, timesSecret, input, row);
    const [sum, hint] = [new BigInt64Array(degree), new BigInt64Array(degree)];
    for (const { chunk, plaintext } of terms) {
      const weights = program.plaintexts[plaintext]!;
      weights.exponents.forEach((exponent, entry) => {
        const weight = BigInt(weights.values[entry]!);
        addProduct(sum, exponent, weight, uploads.get(chunk)!, q);
        addProduct(hint, exponent, weight, publics.get(chunk)!, q);
      });
    }
    const unmasking = timesSecret(hint);
    placement.coefficients.forEach((at, index) => {
      const element = placement.elements[index]!;
      const x = terms.length === 0 ? 0n : mod(roundTrip(state, mod(sum[at]!, q)) + unmasking[at]!, q);
      const residue = mod((t * x + q / 2n) / q, t);
      const noise = t * x - q * residue;
      const centred = [noise, noise - q * t].map((value) => (value < 0n ? -value : value));
      const size = centred[0]! < centred[1]! ? centred[0]! : centred[1]!;
      if (size > largest) largest = size;
      const channel = Math.floor(element / (shape.height * shape.width)) % shape.channels;
      output[element] = decodeResidue(plan.windows, Number(t), channel, Number(residue));
    });
  });
  return largest;
}

/** Low bits of a response dropped and restored to their middle. */
function roundTrip({ plan }: State, value: bigint): bigint {
  const bits = BigInt(plan.wire.responseC0);
  return bits === 0n ? value : ((value >> bits) << bits) + (1n << (bits - 1n));
}

/** c0 of every used chunk, as the server restores it; 0 where it does not travel. */
function uploadsOf(
  state: State,
  group: BlockGroup,
  publics: ReadonlyMap<number, Polynomial>,
  timesSecret: (polynomial: Polynomial) => Polynomial,
  input: Tensor,
  worstRow: number | null,
): Map<number, Polynomial> {
  const { plan, program, q, t, random } = state;
  const uploads = new Map<number, Polynomial>();
  for (const [chunk, publicPolynomial] of publics) {
    const placement = group.inputs[chunk]!;
    const message = new BigInt64Array(program.degree);
    placement.coefficients.forEach((coefficient, index) => {
      const value = input.data[placement.elements[index]!]! - plan.spec.input.zeroPoint;
      message[coefficient] = mod(BigInt(value), t);
    });
    const signs = worstRow === null ? null : signsOf(program, group, worstRow, chunk);
    const mask = timesSecret(publicPolynomial);
    const c0 = new BigInt64Array(program.degree);
    for (const at of placement.read) {
      const error = signs === null ? BigInt(random(-21, 21)) : ERROR * signs[at]!;
      const scaled = (q * message[at]! + (t + 1n) / 2n) / t;
      c0[at] = restored(state, mod(scaled - mask[at]! - error, q));
    }
    uploads.set(chunk, c0);
  }
  return uploads;
}

/** Sign of the weight through which the first output of a row reads each coefficient. */
function signsOf(program: ToeplitzProgram, group: BlockGroup, row: number, chunk: number): Polynomial {
  const signs = new BigInt64Array(program.degree).fill(1n);
  const [at] = group.outputs[row]!.coefficients;
  const term = program.rows[row]!.find((candidate) => candidate.chunk === chunk);
  if (term === undefined || at === undefined) return signs;
  const { exponents, values }: RingPlaintext = program.plaintexts[term.plaintext]!;
  exponents.forEach((exponent, entry) => {
    const from = at - exponent;
    const sign = values[entry]! > 0 ? 1n : -1n;
    if (from >= 0) signs[from] = sign;
    else signs[from + program.degree] = -sign;
  });
  return signs;
}

/** What travels of a coefficient, and the multiple of 2^d modulo q that stands for it. */
function restored({ plan, q }: State, value: bigint): bigint {
  const bits = BigInt(plan.wire.uploadC0);
  if (bits === 0n) return value;
  const d = 1n << bits;
  const k = mod(value + d / 2n, q) / d;
  const u = k <= (q - 1n) / (2n * d) ? k : k - (q - 1n) / d;
  return mod(d * u, q);
}
