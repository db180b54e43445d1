/** TFLite files that are no models, or not ours: one clear error for each, whatever the bytes. */
import { describe, expect, it } from 'vitest';
import { CipherconvError } from '../../compiler/base/errors.ts';
import { importTflite } from '../../src/frontend/tflite/importTflite.ts';
import { importTfliteModel } from '../../src/frontend/tflite/importTfliteModel.ts';
import type { FixedPointNode, FixedPointTensor } from '../../src/interpreter/fixedPoint/node.ts';
import { Random } from '../../tools/fuzz/random.ts';
import { tfliteMutant } from '../../tools/fuzz/tfliteMutants.ts';
import { writeTflite } from '../support/tflite/writeModel.ts';
import type { WrittenModel, WrittenTensor } from '../support/tflite/writeModel.ts';

const activation = (name: string, shape: readonly number[]): WrittenTensor => ({
  name,
  type: 'int8',
  shape,
  scales: [0.5],
  zeroPoints: [3],
  axis: 0,
  data: null,
});

const constant = (
  name: string,
  type: FixedPointTensor['type'],
  shape: readonly number[],
  data: readonly number[],
): WrittenTensor => ({ name, type, shape, scales: [0.25], zeroPoints: [0], axis: 0, data });

const WEIGHTS = constant('w', 'int8', [2, 2, 2, 1], [1, -2, 3, -4, 5, 6, -7, 8]);
const CONVOLUTION: FixedPointNode = {
  name: 'y',
  operation: {
    op: 'CONV_2D',
    padding: 'VALID',
    strides: [1, 1],
    activation: 'NONE',
    dilations: [1, 1],
    biasType: null,
  },
  inputs: ['x', 'w', 'b'],
  outputs: ['y'],
};
const GOOD: WrittenModel = {
  tensors: [
    activation('x', [1, 4, 4, 1]),
    WEIGHTS,
    constant('b', 'int32', [2], [7, -7]),
    activation('y', [1, 3, 3, 2]),
    activation('z', [1, 18]),
  ],
  nodes: [CONVOLUTION, { name: 'z', operation: { op: 'RESHAPE' }, inputs: ['y'], outputs: ['z'] }],
  inputs: ['x'],
  outputs: ['z'],
};

/** What an import is refused with. */
function refusal(bytes: Uint8Array): CipherconvError | null {
  try {
    importTfliteModel(bytes);
    return null;
  } catch (error) {
    if (error instanceof CipherconvError && error.code !== 'internal') return error;
    throw error;
  }
}

describe('malformed files', () => {
  const bytes = writeTflite(GOOD);

  it('the whole one is read: weights as OIHW, the layer named after its tensor', () => {
    const { layers, inputs, outputs } = importTfliteModel(bytes);
    expect(layers).toMatchObject([
      { name: 'y', op: 'CONV_2D', spec: { bias: [7, -7], weights: { values: [1, -2, 3, -4, 5, 6, -7, 8] } } },
    ]);
    expect([inputs, outputs]).toMatchObject([
      [{ name: 'x', type: 'int8', shape: [1, 4, 4, 1] }],
      [{ name: 'z', type: 'int8', shape: [1, 18] }],
    ]);
  });

  it('every truncation is refused', () => {
    // What stands behind the last table may be padding, which nothing reads.
    const end = bytes.findLastIndex((byte) => byte !== 0);
    for (let length = 0; length <= end; length++)
      expect(refusal(bytes.subarray(0, length))?.code, `${length} bytes`).toMatch(
        /malformed-model|unsupported/,
      );
  });

  it('no mutant fails in another way', () => {
    let refused = 0;
    for (let index = 0; index < 2000; index++)
      if (refusal(tfliteMutant(bytes, new Random(1, index))) !== null) refused++;
    expect(refused).toBeGreaterThan(200);
  });

  it('another identifier, and bytes that are none', () => {
    const other = bytes.slice();
    other[4] = 0x58;
    for (const wrong of [other, new Uint8Array(0), Uint8Array.of(1, 2, 3)])
      expect(refusal(wrong)).toMatchObject({
        code: 'malformed-model',
        details: { message: 'not a TFLite model, or cut off' },
      });
  });

  it('an offset that leads out of the file, and one that is not aligned', () => {
    for (const [root, found] of [
      [0x7ffffffc, /leaves the file/],
      [5, /not aligned/],
    ] as const) {
      const lying = bytes.slice();
      new DataView(lying.buffer).setUint32(0, root, true);
      expect(refusal(lying)?.details.found).toMatch(found);
    }
  });
});

describe('models that are refused by name', () => {
  const changed = (name: string, change: Partial<WrittenTensor>): WrittenModel => ({
    ...GOOD,
    tensors: GOOD.tensors.map((tensor) => (tensor.name === name ? { ...tensor, ...change } : tensor)),
  });
  const cases: readonly (readonly [what: string, model: WrittenModel, code: string, text: RegExp])[] = [
    ['an output of another shape', changed('y', { shape: [1, 3, 3, 3] }), 'malformed-model', /CONV_2D "y"/],
    ['a buffer of another length', changed('b', { shape: [3] }), 'malformed-model', /"b".*another length/],
    ['unsigned bytes', changed('x', { type: 'uint8' }), 'unsupported', /CONV_2D "y".*types/],
    ['a scale that is none', changed('x', { scales: [NaN] }), 'malformed-model', /"x".*scale/],
    ['an extent of 0', changed('x', { shape: [1, 0, 4, 1] }), 'malformed-model', /"x".*extent/],
    ['nine axes', changed('x', { shape: [1, 1, 1, 1, 1, 1, 4, 4, 1] }), 'unsupported', /"x".*axes/],
    ['a huge tensor', changed('x', { shape: [1, 2 ** 14, 2 ** 14, 1] }), 'unsupported', /"x".*size/],
    [
      'a tensor that nothing makes',
      { ...GOOD, nodes: GOOD.nodes.slice(1) },
      'malformed-model',
      /RESHAPE "z".*"y" is read before anything makes it/,
    ],
    [
      'a tensor that is made twice',
      { ...GOOD, nodes: [CONVOLUTION, ...GOOD.nodes] },
      'malformed-model',
      /CONV_2D "y".*made twice/,
    ],
    ['no outputs', { ...GOOD, outputs: [] }, 'malformed-model', /no output/],
    [
      'an operator whose output is left out',
      { ...GOOD, nodes: [...GOOD.nodes, { ...CONVOLUTION, outputs: [''] }] },
      'malformed-model',
      /CONV_2D.*without an output/,
    ],
    [
      'an operator without an output',
      { ...GOOD, nodes: [...GOOD.nodes, { ...CONVOLUTION, outputs: [] }] },
      'malformed-model',
      /CONV_2D.*without an output/,
    ],
  ];
  it.each(cases)('%s', (_, model, code, text) => {
    const error = refusal(writeTflite(model));
    expect(error?.code).toBe(code);
    expect(error?.message.replaceAll('\n', ' ')).toMatch(text);
  });

  it('an operator that is not known', () => {
    const shape = [1, 3, 3, 2];
    const bytes = writeTflite({
      tensors: [activation('x', shape), activation('z', shape)],
      nodes: [{ name: 'z', operation: { op: 'RELU_0_TO_1' }, inputs: ['x'], outputs: ['z'] }],
      inputs: ['x'],
      outputs: ['z'],
    });
    // One of the numbers 152 is the operator code, and 150 is GELU.
    const named = Array.from({ length: bytes.length / 4 - 1 }, (_, word) => {
      const mutant = bytes.slice();
      const view = new DataView(mutant.buffer);
      if (view.getInt32(4 * word, true) !== 152) return null;
      view.setInt32(4 * word, 150, true);
      return refusal(mutant)?.details ?? null;
    });
    expect(named).toContainEqual(expect.objectContaining({ where: 'model: GELU "z"', found: 'GELU' }));
  });

  it('a type of tensors that is not read', () => {
    const bytes = writeTflite(GOOD);
    const refused = Array.from(bytes, (byte, index) => {
      // One of the bytes 9 is the type of the weights, and 17 is INT4.
      if (byte !== 9) return null;
      const mutant = bytes.slice();
      mutant[index] = 17;
      return refusal(mutant)?.details ?? null;
    });
    expect(refused).toContainEqual(expect.objectContaining({ where: 'model: "w"', found: 'INT4' }));
  });

  it('a path that leads nowhere', async () => {
    await expect(importTflite('no/such/model.tflite')).rejects.toMatchObject({ code: 'unreadable' });
  });
});

describe('constant channels', () => {
  it('a channel whose multiplier is flushed has no weights and no bias', () => {
    const model: WrittenModel = {
      ...GOOD,
      tensors: GOOD.tensors.map((tensor) =>
        tensor.name === 'w' ? { ...tensor, scales: [0.25, 1e-12], zeroPoints: [0, 0] } : tensor,
      ),
    };
    const [layer] = importTfliteModel(writeTflite(model)).layers;
    expect(layer?.spec).toMatchObject({ bias: [7, 0], weights: { values: [1, -2, 3, -4, 0, 0, 0, 0] } });
  });

  it('a name that no plan takes is cut off', () => {
    const long = 'n'.repeat(300);
    const named = (name: string): string => (name === 'y' ? long : name);
    const model: WrittenModel = {
      ...GOOD,
      tensors: GOOD.tensors.map((tensor) => ({ ...tensor, name: named(tensor.name) })),
      nodes: GOOD.nodes.map((node) => ({
        ...node,
        inputs: node.inputs.map(named),
        outputs: node.outputs.map(named),
      })),
    };
    const [layer] = importTfliteModel(writeTflite(model)).layers;
    expect(layer?.name).toBe(long);
    expect(layer?.spec.name).toHaveLength(200);
  });
});
