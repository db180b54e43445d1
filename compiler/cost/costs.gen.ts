import type { DirectCosts, OperationCosts, WireCosts } from './operationCosts.ts';
import type { Degree } from '../bfv/security.ts';

/** Written by `npm run bench:calibrate`; do not edit. Lower quartiles in microseconds, one thread, one data prime. */
export const MICROSECONDS: Readonly<Record<Degree, OperationCosts>> = {
  1024: { encrypt: 210, load: 49, toNtt: 35, multiply: 22, add: 2.2, fromNtt: 38, save: 8, decrypt: 110 },
  2048: { encrypt: 370, load: 79, toNtt: 75, multiply: 44, add: 3.4, fromNtt: 83, save: 14, decrypt: 210 },
  4096: { encrypt: 680, load: 140, toNtt: 160, multiply: 89, add: 6.2, fromNtt: 180, save: 29, decrypt: 430 },
  8192: { encrypt: 1300, load: 270, toNtt: 360, multiply: 180, add: 12, fromNtt: 380, save: 61, decrypt: 880 },
  16384: { encrypt: 2800, load: 540, toNtt: 760, multiply: 360, add: 23, fromNtt: 840, save: 140, decrypt: 1900 },
  32768: { encrypt: 5400, load: 1100, toNtt: 1700, multiply: 740, add: 46, fromNtt: 1800, save: 280, decrypt: 3900 },
};

/** The direct kernel: nanoseconds for one limb of one coefficient. */
export const DIRECT_NANOSECONDS: DirectCosts = { fourRows: 0.061, oneRow: 0.062, finish: 0.92, split: 0.62 };

/** The wire: nanoseconds for one coefficient. */
export const WIRE_NANOSECONDS: WireCosts = { pack: 2, unpack: 2.5, expand: 23 };
