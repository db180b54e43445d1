import { describe, expect, it } from 'vitest';
import { compileSpec } from '../../compiler/compile.ts';
import { coeffModulusBits } from '../../compiler/plan.ts';
import { LAYERS, layerSpec } from '../../src/bench/layers.ts';

/** A worse packing shows here: one line a layer, by the default objective. */
const PINNED: Readonly<Record<string, unknown>> = {};

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
