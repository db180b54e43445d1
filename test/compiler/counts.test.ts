import { describe, expect, it } from 'vitest';
import { compileSpec } from '../../compiler/compile.ts';
import { coeffModulusBits } from '../../compiler/plan.ts';
import { LAYERS, layerSpec } from '../../src/bench/layers.ts';

/** A worse packing shows here: one line a layer, by the default objective. */
const PINNED: Readonly<Record<string, unknown>> = {
  L1: { degree: 2048, primes: [16], inputCiphertexts: 1, outputCiphertexts: 1, products: 1, ntt: 2 },
  L2: { degree: 1024, primes: [23], inputCiphertexts: 1, outputCiphertexts: 5, products: 5, ntt: 6 },
  L3: { degree: 2048, primes: [31], inputCiphertexts: 3, outputCiphertexts: 2, products: 6, ntt: 5 },
  L4: { degree: 2048, primes: [29], inputCiphertexts: 32, outputCiphertexts: 64, products: 2048, ntt: 96 },
  L5: { degree: 2048, primes: [34], inputCiphertexts: 19, outputCiphertexts: 128, products: 2432, ntt: 147 },
  L6: { degree: 2048, primes: [30], inputCiphertexts: 22, outputCiphertexts: 64, products: 704, ntt: 86 },
  L7: {
    degree: 2048,
    primes: [28],
    inputCiphertexts: 320,
    outputCiphertexts: 430,
    products: 27490,
    ntt: 750,
  },
  L8: { degree: 4096, primes: [32], inputCiphertexts: 64, outputCiphertexts: 64, products: 4096, ntt: 128 },
  L9: { degree: 2048, primes: [33], inputCiphertexts: 96, outputCiphertexts: 512, products: 6144, ntt: 608 },
};

describe('counts of the benchmark layers', () => {
  it.each(LAYERS)('$id', (layer) => {
    const { parameters, counts } = compileSpec(layerSpec(layer));
    const { inputCiphertexts, outputCiphertexts, products, ntt } = counts;
    expect({
      degree: parameters.degree,
      primes: coeffModulusBits(parameters),
      inputCiphertexts,
      outputCiphertexts,
      products,
      ntt,
    }).toEqual(PINNED[layer.id]);
  });
});
