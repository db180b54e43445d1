import { describe, expect, it } from 'vitest';
import { imported, int, node, scalar, tensor, value } from './models.ts';
import type { Graph } from './models.ts';

describe('NEMO', () => {
  /** Whole floats: Conv -> Mul -> Add -> Cast -> Div -> Cast -> Clip -> Conv. */
  const nemo = (bound: number): Graph => ({
    opset: 9,
    nodes: [
      node('Conv', ['x', 'w'], ['a']),
      node('Mul', ['a', 'k'], ['b']),
      node('Add', ['b', 'l'], ['c']),
      node('Cast', ['c'], ['d'], [int('to', 7)]),
      node('Div', ['d', 'shift'], ['e']),
      node('Cast', ['e'], ['f'], [int('to', 1)]),
      node(
        'Clip',
        ['f'],
        ['g'],
        [
          { name: 'min', type: 1, f: 0 },
          { name: 'max', type: 1, f: bound },
        ],
      ),
      node('Conv', ['g', 'w', 'bias'], ['y']),
    ],
    initializers: [
      tensor('w', 'float32', [1, 1, 2, 1], [5, -9]),
      scalar('k', 'float32', 3),
      scalar('l', 'float32', 7),
      scalar('shift', 'int64', 8),
      tensor('bias', 'float32', [1], [11]),
    ],
    inputs: [value('x', 'float32', [1, 1, 6, 6])],
  });

  it('takes whole weights and clipped whole inputs', () => {
    const { layers, unsupported } = imported(nemo(255));
    expect(layers).toMatchObject([
      {
        name: 'y',
        spec: {
          input: { bits: 8, signed: false },
          weights: { bits: 5, signed: true, values: [5, -9] },
          bias: [11],
        },
        input: { tensor: 'g', kind: 'integer', type: 'float32', scale: null },
        output: { kind: 'accumulator', type: 'float32', shape: [1, 1, 4, 6] },
      },
    ]);
    expect(unsupported).toMatchObject([{ name: 'a', reason: expect.stringContaining('--input-type') }]);
  });

  it('needs a bound, and weights that are whole', () => {
    expect(
      imported({ ...nemo(255), nodes: [...nemo(255).nodes, node('Conv', ['f', 'w'], ['z'])] }).unsupported,
    ).toMatchObject([{ name: 'a' }, { name: 'z', reason: expect.stringContaining('nothing bounds it') }]);
    const half = tensor('v', 'float32', [1, 1, 1, 1], [0.5]);
    const { initializers = [], nodes } = nemo(255);
    expect(
      imported({
        ...nemo(255),
        initializers: [...initializers, half],
        nodes: [...nodes, node('Conv', ['g', 'v'], ['z'])],
      }).unsupported,
    ).toMatchObject([{ name: 'a' }, { name: 'z', reason: expect.stringContaining('"v" are not quantized') }]);
  });

  it('takes the type that the input is said to have', () => {
    const inputQuantization = new Map([['x', { bits: 8, signed: false, scale: 1, zeroPoint: 0 }]]);
    const { layers, unsupported } = imported(nemo(15), { inputQuantization });
    expect(unsupported).toEqual([]);
    expect(layers.map(({ name, spec }) => [name, spec.input.bits])).toEqual([
      ['a', 8],
      ['y', 4],
    ]);
  });
});
