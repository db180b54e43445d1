/** The bounds that outside test vectors record, against every tier. DATA_DIR: folder with vectors/. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { tapsOf } from '../../compiler/accumulator/datatypeBound.ts';
import { contains } from '../../compiler/base/interval.ts';
import type { Interval } from '../../compiler/base/interval.ts';
import { a2qBits, a2qDatatypeBits } from '../../compiler/accumulator/normBound.ts';
import { centredInputRange } from '../../compiler/convolution/shape.ts';
import { centredWeights } from '../../compiler/convolution/spec.ts';
import type { ConvSpec } from '../../compiler/convolution/spec.ts';
import { parseVector } from '../../bench/vectorFile.ts';
import { analyze, largest } from '../../src/lint/analyze.ts';

const root = join(import.meta.dirname, '..', '..');
const folder = resolve(root, process.env['DATA_DIR'] ?? '../shared/data', 'vectors');

interface Bounds {
  readonly observed: [number, number];
  readonly exact: [number, number];
  readonly weightAware: [number, number];
  readonly dataTypeOnly: [number, number];
  readonly decodeWidth: number;
  readonly weightAwareBits: number;
  readonly dataTypeOnlyBits: number;
  readonly maxWeightL1: number;
  readonly dotProductLength: number;
  readonly a2q?: { readonly weightL1Bits: number; readonly dataTypeBits: number };
}

/** All taps at their extremes, padded ones too: the exact tier without its borders. */
function allTaps(spec: ConvSpec): Interval {
  const range = centredInputRange(spec.input);
  const centred = centredWeights(spec.weights);
  const perOutput = tapsOf(spec);
  return spec.bias
    .map((bias, channel) => {
      let [lo, hi] = [bias, bias];
      for (const weight of centred.subarray(channel * perOutput, (channel + 1) * perOutput)) {
        lo += Math.min(weight * range.lo, weight * range.hi);
        hi += Math.max(weight * range.lo, weight * range.hi);
      }
      return { lo, hi };
    })
    .reduce((left, right) => ({ lo: Math.min(left.lo, right.lo), hi: Math.max(left.hi, right.hi) }));
}

const ends = ({ lo, hi }: Interval): [number, number] => [lo, hi];
/** The recorded widths are signed throughout. */
const signedBits = ({ lo, hi }: Interval): number => Math.ceil(Math.log2(Math.max(-lo, hi + 1))) + 1;

const names = readdirSync(folder).filter((name) => name.endsWith('.json'));

it('finds all vectors', () => {
  expect(names).toHaveLength(47);
});

describe.each(names)('%s', (name) => {
  it('has the bounds that it records', () => {
    const text = readFileSync(join(folder, name), 'utf8');
    const { accumulatorBounds: bounds } = JSON.parse(text) as { accumulatorBounds: Bounds };
    const { spec, expected } = parseVector(text, name);
    const { exact, datatype, l1, taps } = analyze(spec);
    expect(ends(exact.interval)).toEqual(bounds.exact);
    expect(exact.decodeWidth).toBe(bounds.decodeWidth);
    expect(ends(datatype.interval)).toEqual(bounds.dataTypeOnly);
    expect(signedBits(datatype.interval)).toBe(bounds.dataTypeOnlyBits);
    expect(ends(allTaps(spec))).toEqual(bounds.weightAware);
    expect(signedBits(allTaps(spec))).toBe(bounds.weightAwareBits);
    expect([largest(l1.norms), taps]).toEqual([bounds.maxWeightL1, bounds.dotProductLength]);
    expect(contains(allTaps(spec), exact.interval)).toBe(true);
    expect(contains(datatype.interval, exact.interval)).toBe(true);
    expect(contains(l1.interval, exact.interval)).toBe(true);
    const [lo, hi] = bounds.observed;
    expect(contains(exact.interval, { lo, hi })).toBe(true);
    const values = [...expected.data];
    expect([values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))]).toEqual([
      lo,
      hi,
    ]);
    if (bounds.a2q !== undefined) {
      const { bits, signed } = spec.input;
      expect(a2qBits(largest(l1.norms), bits, signed)).toBe(bounds.a2q.weightL1Bits);
      expect(a2qDatatypeBits(taps, spec.weights.bits, bits, signed)).toBe(bounds.a2q.dataTypeBits);
    }
  });
});
