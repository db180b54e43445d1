/** The plans that the tests of the page serve. */
import { compileSpec } from '../../compiler/lowerings/compile.ts';
import { parseFilterConfig } from '../../src/frontend/config.ts';
import { storedPlan } from '../../src/frontend/planFile.ts';
import type { StoredPlan } from '../../src/frontend/planFile.ts';

export interface Served {
  readonly configText: string;
  readonly stored: StoredPlan;
}

function served(config: object, options: Parameters<typeof compileSpec>[1] = {}): Served {
  const configText = JSON.stringify(config);
  const { spec, layout } = parseFilterConfig(configText);
  return { configText, stored: storedPlan(compileSpec(spec, options), layout) };
}

const GAUSSIAN = [1, 2, 1, 2, 3, 2, 1, 2, 1];

export const grey = served({
  version: 1,
  name: 'gaussian',
  input: { shape: [1, 1, 200, 256], bits: 4 },
  weights: { shape: [1, 1, 3, 3], bits: 2, values: GAUSSIAN },
  bias: [-50],
  pads: [1, 1, 1, 1],
});

/** Everything that a picture can be quantized to at once: colour, signed, channels last, strided. */
export const colour = served({
  version: 1,
  name: 'colour',
  input: { shape: [1, 48, 40, 3], layout: 'NHWC', bits: 3, signed: true, zeroPoint: -1 },
  weights: {
    shape: [2, 3, 3, 3],
    bits: 3,
    signed: true,
    values: Array.from({ length: 54 }, (_, index) => ((index * 5) % 7) - 3),
  },
  strides: [2, 1],
  pads: [0, 1, 2, 1],
});

export const rotated = served(
  {
    version: 1,
    name: 'diagonals',
    input: { shape: [1, 1, 12, 12], bits: 2 },
    weights: { shape: [1, 1, 3, 3], bits: 2, values: GAUSSIAN },
  },
  { lowering: 'diagonals' },
);

export const deep = served({
  version: 1,
  name: 'deep',
  input: { shape: [1, 8, 10, 10], bits: 2 },
  weights: { shape: [1, 8, 1, 1], bits: 2, values: [1, 2, 3, 0, 1, 2, 3, 1] },
});
