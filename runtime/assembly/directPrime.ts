/** The constants of one prime, written by JavaScript: byte offsets into its record. */

export const MODULUS: usize = 0;
/** floor(q / 2): larger words stand for negative values. */
export const HALF: usize = 8;
/** sum over k of 2^(l k + l - 1): what makes every digit of c + bias non-negative. */
export const BIAS: usize = 16;
export const INVERSE: usize = 24;
/** 2^(l k) for each limb, doubles. */
export const SCALES: usize = 32;
/** The modulus as a double. */
export const VALUE: usize = 120;
