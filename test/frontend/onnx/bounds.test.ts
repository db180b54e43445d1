/** Intervals of floats, whole or not: what nothing clips is bounded all the same. */
import { describe, expect, it } from 'vitest';
import { float, imported, int, ints, node, scalar, tensor, value } from './models.ts';
import type { Graph } from './models.ts';

const clip = (from: string, to: string, hi: number): ReturnType<typeof node> =>
  node('Clip', [from], [to], [float('min', 0), float('max', hi)]);

/** x, whole in [0, 15], through `between` to a 1x1 convolution that reads `read`. */
function graph(between: Graph['nodes'], read: string, initializers: Graph['initializers'] = []): Graph {
  return {
    opset: 10,
    nodes: [
      node('Floor', ['raw'], ['whole']),
      clip('whole', 'x', 15),
      ...between,
      node('Conv', [read, 'last'], ['y']),
    ],
    initializers: [
      tensor('last', 'float32', [1, 2, 1, 1], [1, -1]),
      scalar('three', 'float32', 3),
      scalar('seven', 'float32', 7),
      ...initializers,
    ],
    inputs: [value('raw', 'float32', [1, 2, 4, 4])],
    outputs: [value('y', 'float32', [1, 1, 4, 4])],
  };
}

/** The range of the layer's input, which must have been found. */
function rangeOf(from: Graph): unknown {
  const { layers, unsupported } = imported(from);
  expect(unsupported).toEqual([]);
  return layers.at(-1)?.spec.input.range;
}

describe('bounds', () => {
  it('of a residual sum that nothing clips, as NEMO writes it: Mul, Add, Div, Floor', () => {
    const between = [
      node('Mul', ['x', 'three'], ['a']),
      node('Add', ['a', 'x'], ['b']),
      node('Div', ['b', 'seven'], ['c']),
      node('Floor', ['c'], ['d']),
    ];
    // 4 * 15 / 7 = 8.57.
    expect(rangeOf(graph(between, 'd'))).toEqual({ lo: 0, hi: 8 });
  });

  it('of a branch whose convolution is not clipped either', () => {
    const between = [
      node('Conv', ['x', 'w'], ['conv'], [ints('pads', [1, 1, 1, 1])]),
      node('Div', ['conv', 'seven'], ['scaled']),
      node('Floor', ['scaled'], ['branch']),
      node('Add', ['branch', 'x'], ['sum']),
    ];
    const w = Array.from({ length: 36 }, (_, index) => (index < 18 ? -1 : index < 20 ? 2 : 0));
    // Output 0: 18 taps of -1, in [-270, 0]; output 1: two of 2, in [0, 60]. Floors: -39 and 8.
    expect(rangeOf(graph(between, 'sum', [tensor('w', 'float32', [2, 2, 3, 3], w)]))).toEqual({
      lo: -39,
      hi: 23,
    });
  });

  it('of casts to integers and back, with shapes changed on the way', () => {
    const between = [
      node('Div', ['x', 'seven'], ['a']),
      node('Cast', ['a'], ['b'], [int('to', 7)]),
      node('Transpose', ['b'], ['c'], [ints('perm', [0, 1, 3, 2])]),
      node('Cast', ['c'], ['d'], [int('to', 1)]),
    ];
    expect(rangeOf(graph(between, 'd'))).toEqual({ lo: 0, hi: 2 });
  });

  it('of a Clip that comes before the Floor, and of a difference', () => {
    expect(rangeOf(graph([clip('raw', 'c', 6.5), node('Floor', ['c'], ['d'])], 'd'))).toEqual({
      lo: 0,
      hi: 6,
    });
    const between = [node('Sub', ['x', 'three'], ['a']), node('Mul', ['a', 'a'], ['b'])];
    // The two factors are taken for independent ones: [-3, 12] squared is within [-36, 144].
    expect(rangeOf(graph(between, 'b'))).toEqual({ lo: -36, hi: 144 });
  });

  it('are not made up: a divisor that may be 0, and floats that nothing bounds', () => {
    for (const between of [
      [node('Div', ['three', 'x'], ['a']), node('Floor', ['a'], ['d'])],
      [node('Floor', ['raw'], ['d'])],
    ]) {
      expect(imported(graph(between, 'd')).unsupported[0]?.reason).toContain('nothing bounds it');
    }
  });
});
