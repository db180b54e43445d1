import { fc, runs } from '../support/properties.ts';
import { describe, expect, it } from 'vitest';
import { convolve } from '../../runtime/clear/loops.ts';
import { makeTensor } from '../../compiler/base/tensor.ts';
import { analyze } from '../../src/lint/analyze.ts';
import type { LintReport } from '../../src/lint/finding.ts';
import { RULE_NAMES } from '../../src/lint/finding.ts';
import { lintSource } from '../../src/lint/lintSource.ts';
import { ALL_RULES } from '../../src/lint/registry.ts';
import { DEFAULT_SETTINGS, withOverrides } from '../../src/lint/settings.ts';
import { sourceOf } from '../../src/lint/lintSources.ts';
import type { ParsedConfig } from '../../src/frontend/config.ts';
import type { FilterConfigInput } from '../../src/frontend/schema.ts';
import { config, parse } from '../frontend/fixtures.ts';

function lintConfig(parsed: ParsedConfig, headroomBits = 0): LintReport {
  const settings = withOverrides(DEFAULT_SETTINGS, { headroomBits });
  return lintSource(sourceOf(parsed), { settings, samples: null, probabilityBudget: 2 ** 20 });
}

function rulesOf(written: FilterConfigInput, headroomBits = 0): string[] {
  return lintConfig(parse(written), headroomBits).findings.map(({ rule }) => rule);
}

const small = (most: number) => fc.integer({ min: 1, max: most });

/** Configs with all that bears on the accumulator, declared one bit wide, so that nearly all of them overflow. */
const overflowing: fc.Arbitrary<FilterConfigInput> = fc
  .record({
    group: small(2),
    channels: small(2),
    outputs: small(2),
    size: fc.tuple(small(5), small(5)),
    kernel: fc.tuple(small(3), small(3)),
    strides: fc.tuple(small(2), small(2)),
    dilations: fc.tuple(small(2), small(2)),
    pads: fc.tuple(fc.nat(2), fc.nat(2), fc.nat(2), fc.nat(2)),
    signed: fc.tuple(fc.boolean(), fc.boolean()),
    inputZero: fc.nat(3),
    weightZero: fc.nat(3),
    bias: fc.integer({ min: -20, max: 20 }),
    seed: fc.array(fc.nat(7), { minLength: 72, maxLength: 72 }),
    range: fc.tuple(fc.nat(3), fc.nat(3)),
  })
  .filter(({ size, kernel, dilations, pads }) =>
    [0, 1].every(
      (axis) => size[axis]! + pads[axis]! + pads[axis + 2]! > dilations[axis]! * (kernel[axis]! - 1),
    ),
  )
  .map((draw) => {
    const [inputSigned, weightSigned] = draw.signed;
    const shape: [number, number, number, number] = [
      draw.outputs * draw.group,
      draw.channels,
      ...draw.kernel,
    ];
    const count = shape.reduce((product, extent) => product * extent, 1);
    const base = weightSigned ? -4 : 0;
    const range: [number, number] = [Math.min(...draw.range), Math.max(...draw.range)];
    return config({
      input: {
        shape: [1, draw.channels * draw.group, ...draw.size],
        bits: 3,
        signed: inputSigned,
        zeroPoint: draw.inputZero,
        range,
      },
      weights: {
        shape,
        bits: 3,
        signed: weightSigned,
        zeroPoint: draw.weightZero,
        values: draw.seed.slice(0, count).map((value) => value + base),
      },
      bias: new Array<number>(shape[0]).fill(draw.bias),
      strides: draw.strides,
      dilations: draw.dilations,
      pads: draw.pads,
      group: draw.group,
      accumulator: { bits: 1 },
    });
  });

describe('accumulator-overflow', () => {
  it('has a witness that reaches both ends of the interval', () => {
    let flagged = 0;
    fc.assert(
      fc.property(overflowing, (written) => {
        const parsed = parse(written);
        const finding = lintConfig(parsed).findings.find(({ rule }) => rule === 'accumulator-overflow');
        if (finding === undefined) return;
        flagged++;
        const { weights, input, bias } = parsed.spec;
        const [channel] = finding.witness!.output;
        const taps = weights.channelsPerGroup * weights.kernelHeight * weights.kernelWidth;
        const sum = (patch: unknown): number =>
          (patch as number[][][]).flat(2).reduce((total, value, tap) => {
            const weight = weights.values[channel * taps + tap]! - weights.zeroPoints[channel]!;
            return total + (value - input.zeroPoint) * weight;
          }, bias[channel]!);
        expect([sum(finding.witness!.low), sum(finding.witness!.high)]).toEqual(finding.interval);
        expect(finding).toMatchObject({ level: 'error', line: 1, hint: expect.stringContaining('declare') });
      }),
      { numRuns: runs(500) },
    );
    expect(flagged).toBeGreaterThan(300);
  });

  it.each([
    ['at the limit', 14, []],
    ['one tap past it', 15, ['accumulator-overflow']],
  ])('%s', (_, taps, rules) => {
    const parsed = parse(
      config({
        input: { shape: [1, taps, 1, 1], bits: 2 },
        weights: { shape: [1, taps, 1, 1], bits: 2, values: new Array<number>(taps).fill(3) },
        accumulator: { bits: 7 },
      }),
    );
    const { findings } = lintConfig(parsed);
    expect(findings.map(({ rule }) => rule)).toEqual(rules);
    expect(analyze(parsed.spec).datatype.largestTaps).toBe(14);
  });

  it('says that signed bits are needed where sums are negative', () => {
    const weights = {
      shape: [1, 1, 1, 2] as [number, number, number, number],
      bits: 3,
      signed: true,
      values: [-4, 3],
    };
    const [finding] = lintConfig(parse(config({ weights, accumulator: { bits: 8 } }))).findings;
    expect(finding).toMatchObject({
      interval: [-12, 9],
      requiredBits: 5,
      hint: expect.stringMatching(/^declare 5 signed bits;/),
    });
  });

  it('does not flag a convolution without a declared accumulator', () => {
    const { findings, layers } = lintConfig(parse(config()));
    expect(findings).toEqual([]);
    expect(layers).toMatchObject([{ declaredBits: null, tiers: { datatype: { largestTaps: null } } }]);
  });
});

describe('datatype-could-overflow', () => {
  it('informs where only these weights fit', () => {
    const accumulator = { bits: 5 };
    const [finding, ...more] = lintConfig(parse(config({ accumulator }))).findings;
    expect(finding).toMatchObject({
      rule: 'datatype-could-overflow',
      level: 'info',
      interval: [0, 36],
      requiredBits: 6,
    });
    expect(finding?.hint).toContain('at most 3 taps (now 4)');
    expect(more).toEqual([]);
  });

  it('bounds every convolution with any weights', () => {
    fc.assert(
      fc.property(
        overflowing,
        fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })),
        (written, stream) => {
          const { spec } = parse(written);
          const { datatype, exact } = analyze(spec);
          expect(datatype.interval.lo).toBeLessThanOrEqual(exact.interval.lo);
          expect(datatype.interval.hi).toBeGreaterThanOrEqual(exact.interval.hi);
          const { channels, height, width, range } = spec.input;
          const random = (): number => stream.next().value as number;
          const input = Array.from({ length: channels * height * width }, () =>
            Math.round(range.lo + random() * (range.hi - range.lo)),
          );
          for (const value of convolve(spec, makeTensor([1, channels, height, width], input)).data) {
            expect(value).toBeGreaterThanOrEqual(exact.interval.lo);
            expect(value).toBeLessThanOrEqual(exact.interval.hi);
          }
        },
      ),
      { numRuns: runs(300) },
    );
  });
});

/** A 1x1 filter of one channel with this weight, over 2-bit inputs. */
function single(weight: number, accumulator: FilterConfigInput['accumulator'], bias = 0): FilterConfigInput {
  return config({
    weights: { shape: [1, 1, 1, 1], bits: 2, values: [weight] },
    bias: [bias],
    ...(accumulator === undefined ? {} : { accumulator }),
  });
}

describe('each rule flags its case, and not the neighbour', () => {
  it.each<[rule: string, flagged: FilterConfigInput, clean: FilterConfigInput, headroomBits?: number]>([
    ['accumulator-overflow', single(3, { bits: 3 }), single(3, { bits: 4 })],
    ['accumulator-overflow', single(3, { bits: 4 }, 7), single(3, { bits: 4 }, 6)],
    ['accumulator-overflow', single(3, { bits: 4 }, -1), single(3, { bits: 5, signed: true }, -1)],
    ['bias-out-of-range', single(3, { bits: 4 }, 16), single(3, { bits: 4 }, 15)],
    ['bias-out-of-range', single(3, { bits: 4, signed: true }, -9), single(3, { bits: 4, signed: true }, -8)],
    ['low-headroom', single(3, { bits: 5 }), single(3, { bits: 6 }), 2],
    ['low-headroom', single(3, { bits: 4 }), single(3, { bits: 5 }), 1],
    ['wider-than-needed', single(3, { bits: 5 }), single(3, { bits: 4 })],
    ['wider-than-needed', single(3, { bits: 7 }), single(3, { bits: 6 }), 2],
    ['datatype-could-overflow', single(2, { bits: 3 }), single(2, { bits: 4 })],
    ['dead-channel', single(0, undefined), single(1, undefined)],
    ['unused-weight-bits', single(1, undefined), single(2, undefined)],
  ])('%s', (rule, flagged, clean, headroomBits = 0) => {
    expect(rulesOf(flagged, headroomBits)).toContain(rule);
    expect(rulesOf(clean, headroomBits)).not.toContain(rule);
  });

  it('beyond-bfv', () => {
    const kernel = (size: number, picture: number): FilterConfigInput =>
      config({
        input: { shape: [1, 1, picture, picture], bits: 2 },
        weights: { shape: [1, 1, size, size], bits: 2, values: new Array<number>(size * size).fill(3) },
      });
    const { findings } = lintConfig(parse(kernel(182, 300)));
    expect(findings).toMatchObject([
      {
        rule: 'beyond-bfv',
        level: 'error',
        line: 1,
        hint: expect.any(String),
        witness: { output: [0, 0, 0] },
      },
    ]);
    expect(rulesOf(kernel(182, 182))).toEqual([]);
  });

  it('unsupported-operator, for what a model reader reports', () => {
    const unsupported = [
      { name: 'pool1', op: 'MaxPool', reason: 'no such operator' },
      { name: 'pool2', op: 'MaxPool', reason: 'no such operator' },
    ];
    expect(lintSource({ file: 'm.onnx', layers: [], openLayers: [], unsupported }).findings).toMatchObject([
      { rule: 'unsupported-operator', level: 'warning', layer: 'pool1', line: null },
    ]);
    expect(lintSource({ file: 'm.onnx', layers: [], openLayers: [], unsupported: [] }).findings).toEqual([]);
  });

  it('a dead channel says which, and why', () => {
    const weights = { shape: [6, 1, 1, 1] as const, bits: 1, values: [0, 1, 0, 0, 0, 0] };
    const [finding] = lintConfig(parse(config({ weights: { ...weights, shape: [6, 1, 1, 1] } }))).findings;
    expect(finding?.message).toBe(
      'output channels 0, 2, 3 and 2 more are constant: all weights equal the zero point',
    );
    const onlyPadding = config({
      input: { shape: [1, 1, 1, 1], bits: 2 },
      weights: { shape: [1, 1, 1, 2], bits: 2, values: [0, 2] },
      pads: [0, 0, 0, 1],
    });
    expect(lintConfig(parse(onlyPadding)).findings[0]?.message).toContain('no input changes the sum');
  });
});

describe('the registry', () => {
  it('has every rule once', () => {
    expect(ALL_RULES.map(({ name }) => name).sort()).toEqual([...RULE_NAMES].sort());
  });

  it('points at the key and counts headroom in every finding with a width', () => {
    fc.assert(
      fc.property(overflowing, (written) => {
        for (const finding of lintConfig(parse(written)).findings) {
          expect(finding.line).toBe(1);
          const { requiredBits, declaredBits, headroom } = finding;
          if (requiredBits !== null) expect(headroom).toBe(declaredBits! - requiredBits);
          if (finding.level !== 'error') continue;
          expect(finding).toMatchObject({ witness: expect.anything(), hint: expect.anything() });
        }
      }),
      { numRuns: runs(200) },
    );
  });
});
