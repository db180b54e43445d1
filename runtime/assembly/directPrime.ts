/** The constants of one prime, written by JavaScript: byte offsets into its record. */

export const MODULUS: usize = 0;
/** floor(q / 2), or half of the span: larger words stand for negative values. */
export const HALF: usize = 8;
/** sum over k of 2^(l k + l - 1): what makes every digit of c + bias non-negative. */
export const BIAS: usize = 16;
export const INVERSE: usize = 24;
/** 2^(l k) for each limb, doubles. */
export const SCALES: usize = 32;
/** What is subtracted from a word that stands for a negative value: q, or (q - 1) / 2^d where d bits were dropped before. */
export const SPAN: usize = 96;
/** 2^d, a double, and d: what the recombined sum of numbers without their low d bits is multiplied by. */
export const FACTOR: usize = 104;
export const SHIFT: usize = 112;
/** The modulus as a double. */
export const VALUE: usize = 120;
