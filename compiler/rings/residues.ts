/** Arithmetic modulo t on doubles, exact for every t below 2^53. */

/** The representative of `value` modulo t in SEAL's centred lift: residues from floor((t+1)/2) on become negative. */
export function centredLift(value: number, plainModulus: number): number {
  const residue = residueOf(value, plainModulus);
  return residue >= Math.floor((plainModulus + 1) / 2) ? residue - plainModulus : residue;
}

/** `value` modulo t, in [0, t). `value` is a safe integer. */
export function residueOf(value: number, plainModulus: number): number {
  const remainder = value % plainModulus;
  return remainder < 0 ? remainder + plainModulus : remainder;
}

/** left * right modulo t for two residues in [0, t). */
export type Multiply = (left: number, right: number) => number;

/** Largest t whose products of two residues are exact doubles: t^2 <= 2^52, so that adding t still is. */
export const LARGEST_EXACT_FACTOR = 2 ** 26;
/** Largest t for `splitMultiply`: t * 2^18 <= 2^53. */
const LARGEST_SPLIT = 2 ** 35;
const HALF_BITS = 2 ** 18;

/** `value` modulo t for 0 <= value < 2^53: the quotient of doubles is at most one off. */
function reduce(value: number, modulus: number, inverse: number): number {
  const remainder = value - Math.floor(value * inverse) * modulus;
  if (remainder < 0) return remainder + modulus;
  return remainder >= modulus ? remainder - modulus : remainder;
}

/** The multiplication modulo t: in doubles where they are exact, in two steps of 18 bits, or in bigints. */
export function multiplication(modulus: number): Multiply {
  const inverse = 1 / modulus;
  if (modulus <= LARGEST_EXACT_FACTOR) return (left, right) => reduce(left * right, modulus, inverse);
  if (modulus <= LARGEST_SPLIT) {
    return (left, right) => {
      const high = Math.floor(right / HALF_BITS);
      const upper = reduce(left * high, modulus, inverse) * HALF_BITS;
      const lower = reduce(left * (right - high * HALF_BITS), modulus, inverse);
      return reduce(reduce(upper, modulus, inverse) + lower, modulus, inverse);
    };
  }
  const wide = BigInt(modulus);
  return (left, right) => Number((BigInt(left) * BigInt(right)) % wide);
}

/** base^exponent modulo t. */
export function powerOf(multiply: Multiply, base: number, exponent: number): number {
  let result = 1;
  let square = base;
  for (let rest = exponent; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result = multiply(result, square);
    square = multiply(square, square);
  }
  return result;
}
