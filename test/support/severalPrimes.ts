import { simpleSpec } from './simple.ts';

/** Convolutions whose q is a product of primes. */

/** 16 x 16 bits: q has more than 60. */
export const wide = simpleSpec({
  input: { channels: 12, height: 9, width: 9, bits: 16 },
  weights: {
    outChannels: 3,
    channelsPerGroup: 12,
    bits: 16,
    signed: true,
    values: Array.from({ length: 324 }, (_, index) => ((index * 7919) % 65_535) - 32_767),
  },
});

/** Rotations whose noise one prime does not carry at N = 4096. */
export const rotated = simpleSpec({
  input: { channels: 3, height: 20, width: 20, bits: 8 },
  weights: {
    outChannels: 4,
    channelsPerGroup: 3,
    kernelHeight: 5,
    kernelWidth: 5,
    bits: 4,
    signed: true,
    values: Array.from({ length: 300 }, (_, index) => ((index * 7) % 16) - 8),
  },
});
