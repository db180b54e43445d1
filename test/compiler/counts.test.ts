import { describe, expect, it } from 'vitest';
import { LAYERS, layerSpec } from '../../src/bench/layers.ts';
import { compileToeplitz } from '../support/compile.ts';
import { coeffModulusBits } from '../../compiler/bfv/parameters.ts';

/** A worse packing shows here: one line a layer and kernel, by the default objective. */
const PINNED: Readonly<Record<string, unknown>> = {
  'L1 ntt': { degree: 2048, primes: [16], inputCiphertexts: 1, outputCiphertexts: 1, products: 1, ntt: 2 },
  'L2 ntt': { degree: 1024, primes: [23], inputCiphertexts: 1, outputCiphertexts: 5, products: 5, ntt: 6 },
  'L3 ntt': { degree: 2048, primes: [31], inputCiphertexts: 3, outputCiphertexts: 2, products: 6, ntt: 5 },
  'L4 ntt': {
    degree: 2048,
    primes: [29],
    inputCiphertexts: 32,
    outputCiphertexts: 64,
    products: 2048,
    ntt: 96,
  },
  'L5 ntt': {
    degree: 2048,
    primes: [34],
    inputCiphertexts: 19,
    outputCiphertexts: 128,
    products: 2432,
    ntt: 147,
  },
  'L6 ntt': {
    degree: 2048,
    primes: [30],
    inputCiphertexts: 22,
    outputCiphertexts: 64,
    products: 704,
    ntt: 86,
  },
  'L7 ntt': {
    degree: 2048,
    primes: [28],
    inputCiphertexts: 320,
    outputCiphertexts: 430,
    products: 27490,
    ntt: 750,
  },
  'L8 ntt': {
    degree: 2048,
    primes: [32],
    inputCiphertexts: 128,
    outputCiphertexts: 128,
    products: 8192,
    ntt: 256,
  },
  'L9 ntt': {
    degree: 2048,
    primes: [33],
    inputCiphertexts: 96,
    outputCiphertexts: 512,
    products: 6144,
    ntt: 608,
  },
  'L1 direct': { degree: 2048, primes: [16], inputCiphertexts: 1, outputCiphertexts: 1, products: 1, ntt: 0 },
  'L2 direct': { degree: 1024, primes: [23], inputCiphertexts: 1, outputCiphertexts: 5, products: 5, ntt: 0 },
  'L3 direct': { degree: 2048, primes: [30], inputCiphertexts: 2, outputCiphertexts: 4, products: 8, ntt: 0 },
  'L4 direct': {
    degree: 2048,
    primes: [29],
    inputCiphertexts: 32,
    outputCiphertexts: 64,
    products: 2048,
    ntt: 0,
  },
  'L5 direct': {
    degree: 2048,
    primes: [34],
    inputCiphertexts: 19,
    outputCiphertexts: 128,
    products: 2432,
    ntt: 0,
  },
  'L6 direct': {
    degree: 2048,
    primes: [30],
    inputCiphertexts: 32,
    outputCiphertexts: 32,
    products: 1024,
    ntt: 0,
  },
  'L7 direct': {
    degree: 2048,
    primes: [26],
    inputCiphertexts: 128,
    outputCiphertexts: 512,
    products: 30626,
    ntt: 0,
  },
  'L8 direct': {
    degree: 4096,
    primes: [32],
    inputCiphertexts: 64,
    outputCiphertexts: 64,
    products: 4096,
    ntt: 0,
  },
  'L9 direct': {
    degree: 2048,
    primes: [33],
    inputCiphertexts: 96,
    outputCiphertexts: 512,
    products: 6144,
    ntt: 0,
  },
  'L10 ntt': {
    degree: 2048,
    primes: [50],
    inputCiphertexts: 86,
    outputCiphertexts: 86,
    products: 7396,
    ntt: 172,
  },
  'L11 ntt': {
    degree: 2048,
    primes: [52],
    inputCiphertexts: 64,
    outputCiphertexts: 128,
    products: 8192,
    ntt: 192,
  },
  'L10 direct': {
    degree: 2048,
    primes: [48],
    inputCiphertexts: 29,
    outputCiphertexts: 256,
    products: 7424,
    ntt: 0,
  },
  'L11 direct': {
    degree: 2048,
    primes: [51],
    inputCiphertexts: 32,
    outputCiphertexts: 256,
    products: 8192,
    ntt: 0,
  },
};

describe.each(['ntt', 'direct'] as const)('counts of the benchmark layers, %s kernel', (kernel) => {
  it.each(LAYERS)('$id', (layer) => {
    const { parameters, counts } = compileToeplitz(layerSpec(layer), { kernel });
    const { inputCiphertexts, outputCiphertexts, products, ntt } = counts;
    expect({
      degree: parameters.degree,
      primes: coeffModulusBits(parameters),
      inputCiphertexts,
      outputCiphertexts,
      products,
      ntt,
    }).toEqual(PINNED[`${layer.id} ${kernel}`]);
  });
});
