import type { DirectCosts, OperationCosts } from './operationCosts.ts';
import type { Degree } from './security.ts';

/** Written by `npm run bench:calibrate`; do not edit. Medians in microseconds, one thread, one data prime. */
export const MICROSECONDS: Readonly<Record<Degree, OperationCosts>> = {
  1024: { encrypt: 130, load: 30, toNtt: 23, multiply: 13, add: 2.7, fromNtt: 24, save: 5, decrypt: 70 },
  2048: { encrypt: 212, load: 47, toNtt: 48, multiply: 26, add: 2.6, fromNtt: 51, save: 9, decrypt: 122 },
  4096: { encrypt: 400, load: 90, toNtt: 103, multiply: 51, add: 5, fromNtt: 109, save: 18, decrypt: 230 },
  8192: { encrypt: 800, load: 180, toNtt: 225, multiply: 102, add: 8, fromNtt: 235, save: 36, decrypt: 460 },
  16384: { encrypt: 1600, load: 360, toNtt: 480, multiply: 204, add: 16, fromNtt: 500, save: 72, decrypt: 950 },
  32768: { encrypt: 3200, load: 720, toNtt: 1030, multiply: 408, add: 32, fromNtt: 1070, save: 144, decrypt: 2000 },
};

/** The direct kernel: nanoseconds for one limb of one coefficient. */
export const DIRECT_NANOSECONDS: DirectCosts = { fourRows: 0.061, oneRow: 0.062, finish: 0.92, split: 0.62 };
