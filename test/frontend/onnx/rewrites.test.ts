/** ConvTranspose and convolutions over three axes: their layers, in the clear, against onnxruntime's run of the node. */
import { describe, expect, it } from 'vitest';
import { arrangeOutput } from '../../../compiler/convolution/arrangement.ts';
import { convolve } from '../../../runtime/clear/loops.ts';
import { runInOnnxruntime } from '../../support/onnx/onnxruntime.ts';
import { fc, runs } from '../../support/properties.ts';
import { randomIntegers } from '../../support/specs.ts';
import {
  encodeModel,
  expectRefusal,
  imported,
  int,
  ints,
  node,
  onlyLayer,
  reasonOf,
  scalar,
} from './models.ts';
import { tensor, text, value } from './models.ts';
import type { Attribute, Graph } from './models.ts';

/** Scales and zero points of the graphs: powers of two, so that floats are exact. */
const INPUT_ZERO = 7;

interface Node {
  readonly op: 'Conv' | 'ConvTranspose';
  readonly input: readonly number[];
  readonly filter: readonly number[];
  readonly outputs: number;
  readonly attributes: readonly Attribute[];
  readonly seed: number;
}

/** x (uint8) -> DequantizeLinear -> the node with int8 weights of one scale per output -> floats y. */
function graphOf({ op, input, filter, outputs, attributes, seed }: Node): Graph {
  const random = randomIntegers(seed);
  const count = filter.reduce((product, extent) => product * extent, 1);
  // The weights of ConvTranspose count the outputs of one group on their second axis.
  const listed = op === 'Conv' ? outputs : filter[1]!;
  const list = (make: () => number, length: number): number[] => Array.from({ length }, make);
  return {
    nodes: [
      node('DequantizeLinear', ['x', 'sx', 'zx'], ['fx']),
      node('DequantizeLinear', ['w', 'sw', 'zw'], ['fw'], [int('axis', op === 'Conv' ? 0 : 1)]),
      node(op, ['fx', 'fw', 'b'], ['y'], attributes),
    ],
    initializers: [
      scalar('sx', 'float32', 0.5),
      scalar('zx', 'uint8', INPUT_ZERO),
      tensor(
        'w',
        'int8',
        filter,
        list(() => random(-50, 50), count),
      ),
      tensor(
        'sw',
        'float32',
        [listed],
        list(() => 2 ** random(-3, 0), listed),
      ),
      tensor(
        'zw',
        'int8',
        [listed],
        list(() => 0, listed),
      ),
      tensor(
        'b',
        'float32',
        [outputs],
        list(() => random(-20, 20), outputs),
      ),
    ],
    inputs: [value('x', 'uint8', input)],
    outputs: [value('y', 'float32', new Array<string>(input.length).fill('any'))],
  };
}

/** What the layer gives and what onnxruntime gives, and both shapes. */
async function compare(made: Node): Promise<void> {
  const graph = graphOf(made);
  const { spec, arrangement, output } = onlyLayer(graph);
  const random = randomIntegers(made.seed + 1);
  const data = Array.from({ length: made.input.reduce((all, extent) => all * extent, 1) }, () =>
    random(0, 255),
  );
  const { batch, channels, height, width } = spec.input;
  const sums = convolve(spec, { shape: [batch, channels, height, width], data: Float64Array.from(data) });
  const arranged = arrangeOutput(arrangement, sums, spec.bias);
  if (output.kind !== 'scaled') throw new Error(output.kind);
  const cells = arranged.data.length / (arranged.shape[0]! * arranged.shape[1]!);
  const floats = Array.from(arranged.data, (sum, index) => {
    const channel = Math.floor(index / cells) % made.outputs;
    return sum * output.scales[channel]! + (output.bias?.[channel] ?? 0) + 0;
  });
  const feed = { name: 'x', type: 'uint8', shape: made.input, data } as const;
  const expected = (await runInOnnxruntime(encodeModel(graph), [feed], 'disabled')).get('y')!;
  expect(output.shape).toEqual(expected.shape);
  expect(floats).toEqual(expected.data.map((one) => one + 0));
}

const upTo = (largest: number): fc.Arbitrary<number> => fc.integer({ min: 1, max: largest });
const list = (length: number, of: fc.Arbitrary<number>): fc.Arbitrary<number[]> =>
  fc.array(of, { minLength: length, maxLength: length });

/** Pads, output_padding and auto_pad as ConvTranspose has them; the output keeps at least one element. */
const transposed: fc.Arbitrary<Node> = upTo(2)
  .chain((rank) =>
    fc.record({
      batch: upTo(2),
      group: upTo(2),
      channels: upTo(2),
      outputs: upTo(3),
      sizes: list(rank, fc.integer({ min: 2, max: 5 })),
      kernel: list(rank, upTo(4)),
      strides: list(rank, upTo(3)),
      dilations: list(rank, upTo(2)),
      pads: list(2 * rank, fc.integer({ min: 0, max: 1 })),
      extra: list(rank, fc.integer({ min: 0, max: 2 })),
      form: fc.constantFrom('pads', 'output_shape', 'SAME_UPPER', 'SAME_LOWER', 'VALID'),
      seed: fc.nat(),
    }),
  )
  .map(
    ({
      batch,
      group,
      channels,
      outputs,
      sizes,
      kernel,
      strides,
      dilations,
      pads,
      extra,
      form,
      seed,
    }): Node => {
      const whole = sizes.map(
        (size, axis) => strides[axis]! * (size - 1) + dilations[axis]! * (kernel[axis]! - 1) + 1,
      );
      // onnxruntime asks for output_padding below the stride.
      const added = extra.map((one, axis) => Math.min(one, strides[axis]! - 1));
      // ONNX's shape inference does not go on below the input's extents.
      const cut = whole.map((extent, axis) => Math.max(sizes[axis]!, extent - extra[axis]!));
      const rank = sizes.length;
      const legal = pads.map((pad, side) => (whole[side % rank]! > 2 ? pad : 0));
      const attributes: Attribute[] = [
        ints('strides', strides),
        ints('dilations', dilations),
        int('group', group),
        ...(form === 'pads' ? [ints('pads', legal), ints('output_padding', added)] : []),
        ...(form === 'output_shape' ? [ints('output_shape', cut)] : []),
        ...(form === 'pads' || form === 'output_shape' ? [] : [text('auto_pad', form)]),
      ];
      return {
        op: 'ConvTranspose',
        input: [batch, group * channels, ...sizes],
        filter: [group * channels, outputs, ...kernel],
        outputs: outputs * group,
        attributes,
        seed,
      };
    },
  );

const volume: fc.Arbitrary<Node> = fc
  .record({
    batch: upTo(2),
    group: upTo(2),
    channels: upTo(2),
    outputs: upTo(2),
    sizes: list(3, fc.integer({ min: 3, max: 5 })),
    kernel: list(3, upTo(3)),
    strides: list(3, upTo(2)),
    pads: list(6, fc.integer({ min: 0, max: 1 })),
    autoPad: fc.boolean(),
    seed: fc.nat(),
  })
  .map(({ batch, group, channels, outputs, sizes, kernel, strides, pads, autoPad, seed }): Node => ({
    op: 'Conv',
    input: [batch, group * channels, ...sizes],
    filter: [group * outputs, channels, ...kernel],
    outputs: group * outputs,
    attributes: [
      ints('strides', strides),
      int('group', group),
      autoPad ? text('auto_pad', 'SAME_UPPER') : ints('pads', pads),
    ],
    seed,
  }));

describe('layers that become plane convolutions equal onnxruntime', () => {
  it('ConvTranspose with every attribute', async () => {
    await fc.assert(fc.asyncProperty(transposed, compare), { numRuns: runs(80) });
  });

  it('and nothing is refused that says what it wants: an output larger than the whole one grows at its end', () => {
    const grown: Node = {
      op: 'ConvTranspose',
      input: [1, 1, 2],
      filter: [1, 1, 2],
      outputs: 1,
      attributes: [ints('output_shape', [5])],
      seed: 3,
    };
    const { spec, arrangement, output } = onlyLayer(graphOf(grown));
    expect(output.shape).toEqual([1, 1, 5]);
    const { data } = arrangeOutput(
      arrangement,
      convolve(spec, { shape: [1, 1, 1, 2], data: Float64Array.of(8, INPUT_ZERO) }),
      spec.bias,
    );
    const [bias, weights] = [spec.bias[0]!, spec.weights.values.toReversed()];
    expect([...data]).toEqual([bias + weights[0]!, bias + weights[1]!, bias, bias, bias]);
  });

  it('Conv over three axes', async () => {
    await fc.assert(fc.asyncProperty(volume, compare), { numRuns: runs(30) });
  });
});

describe('what is refused', () => {
  const base: Node = {
    op: 'ConvTranspose',
    input: [1, 2, 3, 3],
    filter: [2, 1, 2, 2],
    outputs: 1,
    attributes: [],
    seed: 1,
  };

  it('a ConvTranspose that contradicts itself', () => {
    const refused = (change: Partial<Node>, ...parts: readonly string[]): void => {
      expectRefusal(() => imported(graphOf({ ...base, ...change })), 'malformed-model', ...parts);
    };
    refused({ filter: [3, 1, 2, 2] }, 'input channels do not match the weights');
    refused({ attributes: [int('group', 0)] }, 'input channels do not match the weights');
    refused({ attributes: [ints('pads', [2, 2, 2, 2])] }, 'nothing is left of the output');
    refused(
      { attributes: [ints('strides', [0, 1])] },
      'a stride, dilation or output_padding is out of range',
    );
    refused({ attributes: [ints('output_shape', [4])] }, 'output_shape has the wrong length');
    refused({ attributes: [ints('kernel_shape', [3, 3])] }, 'kernel_shape is not that of the weights');
  });

  it('what is not supported yet, by its name', () => {
    const three = { ...base, input: [1, 2, 3, 3, 3], filter: [2, 1, 2, 2, 2] };
    expect(reasonOf(graphOf(three))).toContain('transposed convolutions over 3 spatial axes');
    expect(reasonOf(graphOf({ ...base, attributes: [ints('pads', [-1, 0, 0, 0])] }))).toContain(
      'negative pads',
    );
    const deep: Node = {
      op: 'Conv',
      input: [1, 1, 20_000, 1, 1],
      filter: [1, 1, 1, 1, 1],
      outputs: 1,
      attributes: [],
      seed: 1,
    };
    expect(reasonOf(graphOf(deep))).toContain('volumes so deep');
  });
});
