import { fc, runs } from '../support/properties.ts';
import { describe, expect, it } from 'vitest';
import { makeTensor } from '../../compiler/base/tensor.ts';
import { resizeSpec } from '../../src/frontend/autoPad.ts';
import { parseFilterConfig } from '../../src/frontend/config.ts';
import { LocatedError } from '../../src/frontend/positions.ts';
import { configJsonSchema } from '../../src/frontend/schema.ts';
import { config, parse, refusal } from './fixtures.ts';

const TEXT = `{
  "version": 1,
  "name": "test",
  "input": { "shape": [1, 1, 4, 4], "bits": 2 },
  "weights": {
    "shape": [1, 1, 2, 2],
    "bits": 2,
    "values": [1, 2,
               3, 0]
  },
  "pads": [1, 1, 1, 1]
}
`;

function parseEdited(from: string, to: string): unknown {
  const text = TEXT.replace(from, to);
  expect(text).not.toBe(TEXT);
  return parseFilterConfig(text, { file: 'a.conv.json' });
}

describe('a filter config', () => {
  it('gets the defaults of ONNX', () => {
    const { spec, layout, autoPad } = parse(config());
    expect(spec).toMatchObject({
      input: {
        batch: 1,
        channels: 1,
        height: 4,
        width: 4,
        signed: false,
        zeroPoint: 0,
        range: { lo: 0, hi: 3 },
      },
      weights: { zeroPoints: [0], signed: false, values: [1, 2, 3, 0] },
      bias: [0],
      strides: [1, 1],
      pads: [0, 0, 0, 0],
      dilations: [1, 1],
      group: 1,
      accumulator: null,
    });
    expect(layout).toBe('NCHW');
    expect(autoPad).toBeNull();
    expect(Object.isFrozen(spec.weights.values)).toBe(true);
  });

  it('takes nested values as it takes flat ones', () => {
    const nested = config({
      weights: {
        shape: [1, 1, 2, 2],
        bits: 2,
        values: [
          [
            [
              [1, 2],
              [3, 0],
            ],
          ],
        ],
      },
    });
    expect(parse(nested).spec).toEqual(parse(config()).spec);
  });

  it('turns NHWC and HWIO into NCHW and OIHW', () => {
    const [kH, kW, I, O] = [2, 3, 2, 4];
    const values = Array.from({ length: kH * kW * I * O }, (_, index) => index);
    const { spec } = parse(
      config({
        input: { shape: [1, 5, 6, 2], layout: 'NHWC', bits: 2 },
        weights: { shape: [kH, kW, I, O], layout: 'HWIO', bits: 8, values },
      }),
    );
    expect(spec.input).toMatchObject({ channels: 2, height: 5, width: 6 });
    expect(spec.weights).toMatchObject({
      outChannels: O,
      channelsPerGroup: I,
      kernelHeight: kH,
      kernelWidth: kW,
    });
    for (let o = 0; o < O; o++) {
      for (let c = 0; c < I; c++) {
        for (let a = 0; a < kH; a++) {
          for (let e = 0; e < kW; e++) {
            expect(spec.weights.values[((o * I + c) * kH + a) * kW + e]).toBe(((a * kW + e) * I + c) * O + o);
          }
        }
      }
    }
  });

  it('reads weights from .npy, in the shape of the config or flat', () => {
    const source = { file: 'a', loadNpy: () => makeTensor([1, 1, 2, 2], [1, 2, 3, 0]) };
    const text = JSON.stringify(
      config({ weights: { shape: [1, 1, 2, 2], bits: 2, values: { npy: 'w.npy' } } }),
    );
    expect(parseFilterConfig(text, source).spec).toEqual(parse(config()).spec);
    const flat = { file: 'a', loadNpy: () => makeTensor([4], [1, 2, 3, 0]) };
    expect(parseFilterConfig(text, flat).spec).toEqual(parse(config()).spec);
    const other = { file: 'a', loadNpy: () => makeTensor([1, 2, 2, 1], [1, 2, 3, 0]) };
    refusal(() => parseFilterConfig(text, other), 'shape-mismatch', 'w.npy', '[1, 1, 2, 2]', '[1, 2, 2, 1]');
    const wide = { file: 'a', loadNpy: () => makeTensor([4], [1, 2, 3, 4]) };
    refusal(() => parseFilterConfig(text, wide), 'out-of-range', 'w.npy, element 3', 'found:    4');
    refusal(() => parseFilterConfig(text, { file: 'a' }), 'unsupported');
  });

  it('keeps every digit of a bias written as a string', () => {
    expect(parse(config({ bias: ['-9007199254740'] })).spec.bias).toEqual([-9007199254740]);
    refusal(
      () => parse(config({ bias: ['9007199254740993'] })),
      'out-of-range',
      'bias[0]',
      '9007199254740993',
    );
    refusal(() => parse(config({ bias: ['1.5'] })), 'malformed-config', 'bias[0]');
  });

  it.each([
    // size 5, kernel 2, stride 2: 3 outputs need 6 columns, one more than there are.
    ['SAME_UPPER' as const, [0, 0, 1, 1]],
    ['SAME_LOWER' as const, [1, 1, 0, 0]],
    ['VALID' as const, [0, 0, 0, 0]],
  ])('works out pads for %s', (autoPad, pads) => {
    const parsed = parse(config({ input: { shape: [1, 1, 5, 5], bits: 2 }, strides: [2, 2], autoPad }));
    expect(parsed.spec.pads).toEqual(pads);
    expect(parsed.autoPad).toBe(autoPad);
  });

  it('works out pads anew for another size', () => {
    const { spec, autoPad } = parse(config({ strides: [2, 2], autoPad: 'SAME_UPPER' }));
    expect(spec.pads).toEqual([0, 0, 0, 0]);
    expect(resizeSpec(spec, 5, 4, autoPad)).toMatchObject({
      pads: [0, 0, 1, 0],
      input: { height: 5, width: 4 },
    });
    expect(resizeSpec(spec, 5, 4, null).pads).toEqual([0, 0, 0, 0]);
  });

  it('has a JSON Schema that names every key', () => {
    const text = JSON.stringify(configJsonSchema());
    for (const key of ['zeroPoint', 'autoPad', 'accumulator', 'npy', 'dilations'])
      expect(text).toContain(`"${key}"`);
    expect(configJsonSchema()).toMatchObject({ additionalProperties: false });
  });
});

describe('a faulty config is refused with its place', () => {
  it.each([
    ['an unknown key', '"pads"', '"pads "', 'a.conv.json:11:3', 'unknown key "pads "', 'did you mean "pads"'],
    [
      'an unknown inner key',
      '"bits": 2,',
      '"bit": 2,',
      'a.conv.json:7:5',
      'weights.bit',
      'did you mean "bits"',
    ],
    ['a key twice', '"name"', '"version": 1, "name"', 'a.conv.json:3:3', 'version', 'twice'],
    ['a missing key', '"name": "test",', '', 'a.conv.json:1:1', 'missing key "name"', 'a string'],
    ['a wrong type', '"bits": 2 }', '"bits": "2" }', 'a.conv.json:4:45', 'input.bits', 'an integer'],
    ['a fraction', '"bits": 2 }', '"bits": 2.5 }', 'a.conv.json:4:45', 'input.bits', '2.5'],
    ['another version', '"version": 1', '"version": 2', 'a.conv.json:2:14', 'version', 'found:    2'],
    ['an extent of 0', '4, 4]', '0, 4]', 'a.conv.json:4:30', 'input.shape[2]', 'at least 1'],
    ['pads and autoPad', '"pads"', '"autoPad": "VALID", "pads"', 'a.conv.json:11:3', 'autoPad', 'both'],
  ])('%s', (_, from, to, ...parts) => {
    refusal(
      () => parseEdited(from, to),
      parts.includes('twice') ? 'malformed-json' : 'malformed-config',
      ...parts,
    );
  });

  it.each([
    ['too few weights', '3, 0]', '3]', 'a.conv.json:8:15', '4 weights', '3 weights'],
    ['too many weights', '3, 0]', '3, 0, 1]', 'a.conv.json:8:15', '4 weights', '5 weights'],
    [
      'too many biases',
      '"pads"',
      '"bias": [1, 2], "pads"',
      'a.conv.json:11:11',
      'expected: 1',
      'found:    2',
    ],
    ['channels that do not fit', '[1, 1, 4, 4]', '[1, 3, 4, 4]', 'a.conv.json:6:14', '3 input channels'],
  ])('%s', (_, from, to, ...parts) => {
    refusal(() => parseEdited(from, to), 'shape-mismatch', ...parts);
  });

  it.each([
    ['a weight', '3, 0]', '7, 0]', 'a.conv.json:9:16', 'weights.values[2]', 'from 0 to 3', 'found:    7'],
    ['a range', '"bits": 2 }', '"bits": 2, "range": [0, 4] }', 'a.conv.json:4:57', 'input.range', '[0, 4]'],
    ['a zero point', '"bits": 2 }', '"bits": 2, "zeroPoint": 9 }', 'a.conv.json:4:61', 'input.zeroPoint'],
  ])('%s outside its bits', (_, from, to, ...parts) => {
    refusal(() => parseEdited(from, to), 'out-of-range', ...parts);
  });

  it('names an outside weight where it stands, also in HWIO', () => {
    const values = [
      [[[0, 1]], [[2, 3]]],
      [[[0, 4]], [[2, 3]]],
    ];
    const weights = { shape: [2, 2, 1, 2], layout: 'HWIO', bits: 2, values } as const;
    refusal(
      () => parse({ ...config(), weights }),
      'out-of-range',
      'weights.values[1][0][0][1]',
      'found:    4',
    );
  });

  it('nesting that is not that of the shape', () => {
    const weights = { shape: [1, 1, 2, 2], bits: 2 };
    const nested = (values: unknown): unknown => parse({ ...config(), weights: { ...weights, values } });
    refusal(() => nested([[[[1, 2], [3]]]]), 'malformed-config', 'weights.values[0][0][1]', '1 entry');
    refusal(
      () =>
        nested([
          [
            [1, 2],
            [3, 0],
          ],
        ]),
      'malformed-config',
      'weights.values[0]:',
    );
    refusal(() => nested([[[[1, 2], 3]]]), 'malformed-config', 'weights.values[0][0][1]', 'an array');
    refusal(() => nested([1, [2], 3, 0]), 'malformed-config', 'weights.values[1]', 'an array of 1');
    refusal(() => nested([1, null, 3, 0]), 'malformed-config', 'weights.values[1]', 'null');
  });

  it.each([
    ['a missing value', '"test"', '', '3:11'],
    ['a text cut off', '\n}\n', '', '11:'],
    ['a line break in a string', '"test"', '"te\nst"', '3:14'],
    ['a single quote', '"test"', "'test'", '3:11'],
  ])('malformed JSON: %s', (_, from, to, place) => {
    const error = refusal(() => parseEdited(from, to), 'malformed-json', `a.conv.json:${place}`);
    expect(error.message).not.toContain('\n  at ');
  });

  it('JSON nested absurdly deep', () => {
    const deep = `${'['.repeat(50_000)}${']'.repeat(50_000)}`;
    refusal(() => parseFilterConfig(deep, { file: 'a' }), 'malformed-config', 'a filter config');
    refusal(
      () => parseFilterConfig(TEXT.replace('[1, 2,\n               3, 0]', deep), { file: 'a' }),
      'malformed-config',
    );
    refusal(() => parseFilterConfig('['.repeat(50_000), { file: 'a' }), 'malformed-json');
  });

  it('a shape that would need absurd memory', () => {
    const weights = { shape: [4294967296, 4294967296, 65536, 65536], bits: 2, values: [1, 2, 3, 0] };
    refusal(() => parse({ ...config(), weights }), 'shape-mismatch', '4 weights');
    refusal(() => parse({ ...config(), weights: { ...weights, values: [[[[1]]]] } }), 'malformed-config');
  });
});

describe('parsing', () => {
  it('never throws anything but a located refusal, whatever one byte is changed to', () => {
    fc.assert(
      fc.property(
        fc.nat(TEXT.length - 1),
        fc.constantFrom(...'{}[],:"0-9.eE tn\\\u0000'.split('')),
        (at, byte) => {
          const text = TEXT.slice(0, at) + byte + TEXT.slice(at + 1);
          try {
            parseFilterConfig(text, { file: 'a' });
          } catch (error) {
            expect(error).toBeInstanceOf(LocatedError);
          }
        },
      ),
      { numRuns: runs(2000) },
    );
  });

  it('does not count keys inside strings', () => {
    const name = 'a "b": \\" "c" : {';
    expect(parse(config({ name })).spec.name).toBe(name);
  });

  it('takes a file with a byte order mark', () => {
    expect(parseFilterConfig(`\uFEFF${TEXT}`, { file: 'a' }).spec.name).toBe('test');
  });
});
