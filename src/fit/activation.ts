/**
 * What training puts between linear layers: scale * (x * x + linear * x).
 *
 * `plain` is the square. `odd` is k (k + 1) / 2, which is ((2 k + 1)^2 - 1) / 8: in the network that comes out of it every
 * hidden value is odd (or a power of two times an odd one) and is squared as any other, and every score is a constant plus a
 * power of two times an integer. The analyzer sees that, so that the modulus has to hold that integer only: almost a bit less
 * for each square.
 */
export type Squares = 'plain' | 'odd';

/** The two numbers of an activation. */
export interface Activation {
  readonly linear: number;
  readonly scale: number;
}

export const ACTIVATIONS: Readonly<Record<Squares, Activation>> = {
  plain: { linear: 0, scale: 1 },
  odd: { linear: 1, scale: 0.5 },
};

/** The largest value over the integers from lo to hi: it grows away from its middle. */
export function largestSquare({ linear, scale }: Activation, lo: number, hi: number): number {
  return Math.max(lo * (lo + linear), hi * (hi + linear)) * scale;
}
