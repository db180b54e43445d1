import { describe, expect, it } from 'vitest';
import { encodeTensorJson } from '../../src/frontend/outputs.ts';
import { inputTensor, parseTensorJson } from '../../src/frontend/tensors.ts';
import { fromCanonical, outsideShape, toCanonical } from '../../src/frontend/layouts.ts';
import { config, parse, refusal } from './fixtures.ts';

const silent = (): void => undefined;

function read(tensor: unknown) {
  return parseTensorJson(JSON.stringify(tensor), 'x.json');
}

const { spec } = parse(config({ input: { shape: [1, 1, 2, 2], bits: 2 } }));

describe('a JSON tensor', () => {
  it('is read nested or flat', () => {
    const flat = inputTensor(read({ shape: [1, 1, 2, 2], data: [0, 1, 2, 3] }), spec, 'NCHW', silent);
    const nested = inputTensor(
      read({
        shape: [1, 1, 2, 2],
        data: [
          [
            [
              [0, 1],
              [2, 3],
            ],
          ],
        ],
      }),
      spec,
      'NCHW',
      silent,
    );
    expect(nested).toEqual(flat);
    expect(flat).toEqual({ shape: [1, 1, 2, 2], data: Float64Array.from([0, 1, 2, 3]) });
  });

  it('is refused when malformed, with its place', () => {
    refusal(() => read({ shape: [1, 1, 2, 2], dat: [] }), 'malformed-tensor', 'unknown key "dat"', '"data"');
    refusal(() => read({ shape: [2], data: [1] }), 'malformed-tensor', 'x.json:1:21', '2 values', '1 value');
    refusal(() => read({ shape: [2], data: [1, 0.5] }), 'malformed-tensor', 'data[1]', '0.5');
    refusal(() => read({ shape: [2], data: [1, '2'] }), 'malformed-tensor', 'data[1]');
    refusal(() => read([1, 2]), 'malformed-tensor', 'a tensor');
    refusal(() => read({ shape: [-1], data: [] }), 'malformed-tensor', 'shape[0]');
    refusal(
      () => parseTensorJson('{"shape": [1],\n "data": [1 2]}', 'x.json'),
      'malformed-json',
      'x.json:2:',
    );
  });

  it('is refused when it does not fit the convolution', () => {
    const input = (tensor: unknown) => () => inputTensor(read(tensor), spec, 'NCHW', silent);
    refusal(
      input({ shape: [1, 2, 2, 1], data: [0, 1, 2, 3] }),
      'shape-mismatch',
      '[1, 1, 2, 2] (NCHW)',
      '[1, 2, 2, 1]',
    );
    const outside = [
      [
        [
          [0, 1],
          [2, 4],
        ],
      ],
    ];
    refusal(
      input({ shape: [1, 1, 2, 2], data: outside }),
      'out-of-range',
      'x.json:1:39',
      'data[0][0][1][1]',
      'found:    4',
    );
    refusal(input({ shape: [1, 1, 2, 2], data: [0, 1, -1, 2] }), 'out-of-range', 'data[2]', 'from 0 to 3');
  });

  it('is written so that it reads back', () => {
    const tensor = { shape: [1, 1, 2, 2], data: Float64Array.from([-5, 1, 2, 2 ** 40]) };
    const source = parseTensorJson(encodeTensorJson(tensor), 'x.json');
    expect(source).toMatchObject({ kind: 'tensor', ...tensor });
  });
});

describe('layouts', () => {
  const nhwc = Float64Array.from({ length: 2 * 3 * 4 * 5 }, (_, index) => index);
  const shape = [2, 3, 4, 5] as const;

  it('NHWC becomes NCHW', () => {
    const nchw = toCanonical(nhwc, shape, 'NHWC');
    // Element (n, h, w, c) = (1, 2, 3, 4).
    expect(nchw[((1 * 5 + 4) * 3 + 2) * 4 + 3]).toBe(((1 * 3 + 2) * 4 + 3) * 5 + 4);
  });

  it('and back', () => {
    expect(outsideShape([2, 5, 3, 4], 'NHWC')).toEqual([2, 3, 4, 5]);
    expect(fromCanonical(toCanonical(nhwc, shape, 'NHWC'), [2, 5, 3, 4], 'NHWC')).toEqual(nhwc);
  });

  it('an input in NHWC is checked and converted in the order of the file', () => {
    const parsed = parse(
      config({
        input: { shape: [1, 1, 2, 2], layout: 'NHWC', bits: 2 },
        weights: { shape: [1, 2, 1, 1], bits: 2, values: [1, 1] },
      }),
    );
    const source = read({
      shape: [1, 1, 2, 2],
      data: [
        [
          [
            [0, 1],
            [2, 3],
          ],
        ],
      ],
    });
    expect(inputTensor(source, parsed.spec, parsed.layout, silent)).toEqual({
      shape: [1, 2, 1, 2],
      data: Float64Array.from([0, 2, 1, 3]),
    });
  });
});
