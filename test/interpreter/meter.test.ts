import { describe, expect, it } from 'vitest';
import { ModelWriter } from '../../bench/models/modelWriter.ts';
import { interpret } from '../../src/interpreter/interpreter.ts';
import type { Step } from '../../src/interpreter/interpreter.ts';
import { CLIENT_GRAPH_LIMITS, Meter } from '../../src/interpreter/meter.ts';
import type { MeterLimits } from '../../src/interpreter/meter.ts';
import type { DenseTensor } from '../../src/interpreter/values.ts';
import { openClearGraph } from '../../src/model/openClearGraph.ts';

/** One node, or a few, that make `y` of the float32 tensor `x` [1, 1, 2, 2]. */
type Build = (graph: ModelWriter, size: number) => string;

const SHAPE = [1, 1, 2, 2] as const;
const X: DenseTensor = { type: 'float32', shape: SHAPE, data: Float32Array.of(1, 2, 3, 4) };
const WORK_OF_STEP = 2 ** 15;

async function run(build: Build, size: number, limits: MeterLimits | null): Promise<DenseTensor> {
  const graph = new ModelWriter();
  const y = build(graph, size);
  const x = { name: 'x', type: 'float32', shape: SHAPE } as const;
  const bytes = graph.encode('g', 13, [x], [{ name: y, type: 'float32', shape: SHAPE }]);
  const meter = limits === null ? null : new Meter(limits);
  const made = await openClearGraph({ format: 'onnx', bytes }, []).run(new Map([['x', X]]), [y], { meter });
  return made.get(y)!;
}

const list = (graph: ModelWriter, ...values: number[]): string =>
  graph.constant('int64', [values.length], values);

const square = (extent: number) => ({ ints: [extent, extent] });

const CONCAT: Build = (graph, size) =>
  graph.node('Concat', new Array<string>(size).fill('x'), { axis: { int: 0 } });

/** `elements`: what is read and made, copies on the way included. `products`: of sums. Both for `size` = 5. */
const CASES: readonly {
  readonly name: string;
  readonly build: Build;
  readonly elements: number;
  readonly products?: number;
}[] = [
  {
    name: 'Expand',
    build: (graph, size) => graph.node('Expand', ['x', list(graph, size, 1, 2, 2)]),
    elements: 4 + 4 + 20,
  },
  {
    name: 'Tile',
    build: (graph, size) => graph.node('Tile', ['x', list(graph, size, 1, 1, 1)]),
    elements: 4 + 4 + 20,
  },
  {
    name: 'Resize',
    build: (graph, size) => graph.node('Resize', ['x', '', '', list(graph, 1, 1, size, 2)]),
    elements: 4 + 4 + 5 * 10,
  },
  {
    name: 'Pad',
    build: (graph, size) => graph.node('Pad', ['x', list(graph, 0, 0, 0, 0, 0, 0, size, 0)]),
    elements: 4 + 8 + 14,
  },
  {
    name: 'ConstantOfShape',
    build: (graph, size) => graph.node('ConstantOfShape', [list(graph, size)]),
    elements: 1 + 2 * 5,
  },
  {
    name: 'Concat of the same again and again',
    build: CONCAT,
    elements: 20 + 20,
  },
  {
    name: 'a sum of a small tensor and a large one, broadcast',
    build: (graph, size) =>
      graph.node('Add', ['x', graph.node('ConstantOfShape', [list(graph, size, 1, 1, 1)])]),
    elements: 4 + 5 + 3 * 20,
  },
  {
    name: 'a pool with a window over pads',
    build: (graph, size) =>
      graph.node('AveragePool', ['x'], {
        kernel_shape: square(size),
        pads: { ints: [size - 1, size - 1, size - 1, size - 1] },
        count_include_pad: { int: 1 },
      }),
    elements: 4 + 2 * 36,
    products: 36 * 25,
  },
  {
    name: 'a convolution with pads',
    build: (graph, size) =>
      graph.node('Conv', ['x', graph.constant('float32', [3, 1, 2, 2], new Array<number>(12).fill(1))], {
        pads: { ints: [size, size, size, size] },
      }),
    elements: 4 + 12 + 3 * 3 * 121,
    products: 3 * 121 * 4,
  },
  {
    name: 'a transposed convolution',
    build: (graph, size) =>
      graph.node('ConvTranspose', ['x', graph.constant('float32', [1, 1, 1, 1], [1])], {
        strides: square(size),
      }),
    elements: 4 + 1 + 3 * 36,
    products: 4,
  },
  {
    name: 'a product of matrices',
    build: (graph, size) =>
      graph.node('MatMul', [
        graph.node('ConstantOfShape', [list(graph, size, 3)]),
        graph.node('ConstantOfShape', [list(graph, 3, size)]),
      ]),
    // Three steps: the last has most elements at once.
    elements: 15 + 15 + 3 * 25,
    products: 25 * 5,
  },
];

/** Of the steps before the last: what is alive of them, and their work. */
const BEFORE: Readonly<Record<string, { readonly live: number; readonly work: number }>> = {
  'a sum of a small tensor and a large one, broadcast': {
    live: 4 * 5,
    work: WORK_OF_STEP + 16 * (4 + 2 * 5),
  },
  'a product of matrices': { live: 2 * 4 * 15, work: 2 * (WORK_OF_STEP + 16 * (2 + 2 * 15)) },
};

describe('a meter', () => {
  it.each(CASES)('$name runs at the limits and not one below them', async (entry) => {
    const { build, elements, products = 0, name } = entry;
    const { live, work: before } = BEFORE[name] ?? { live: 0, work: 0 };
    const memoryBytes = live + 8 * elements;
    const work = before + WORK_OF_STEP + 16 * elements + products;
    const expected = await run(build, 5, null);
    expect(await run(build, 5, { memoryBytes, work })).toEqual(expected);
    await expect(run(build, 5, { memoryBytes: memoryBytes - 1, work })).rejects.toMatchObject({
      code: 'unsupported',
      details: { message: expect.stringContaining('too large for a graph from elsewhere') as string },
    });
    await expect(run(build, 5, { memoryBytes, work: work - 1 })).rejects.toMatchObject({
      code: 'unsupported',
      details: { expected: expect.stringContaining('nanosecond') as string },
    });
  });

  it.each([
    ...CASES.filter(({ build }) => build !== CONCAT),
    {
      name: 'Concat of a large tensor again and again',
      build: (graph: ModelWriter) => {
        const large = graph.node('Expand', ['x', list(graph, 2 ** 20, 1, 2, 2)]);
        return graph.node('Concat', new Array<string>(2 ** 10).fill(large), { axis: { int: 0 } });
      },
    },
  ])('$name of a hostile size ends at once under the limits of clients', async ({ build }) => {
    await expect(run(build, 2 ** 31, CLIENT_GRAPH_LIMITS)).rejects.toMatchObject({
      name: 'CipherconvError',
    });
  });

  it('adds up the work of many small steps', async () => {
    const chain: Build = (graph, size) => {
      let y = 'x';
      for (let index = 0; index < size; index++) y = graph.node('Relu', [y]);
      return y;
    };
    const work = 10 * (WORK_OF_STEP + 16 * (4 + 2 * 4));
    await expect(run(chain, 10, { memoryBytes: 2 ** 20, work })).resolves.toEqual(X);
    await expect(run(chain, 11, { memoryBytes: 2 ** 20, work })).rejects.toMatchObject({
      code: 'unsupported',
    });
  });

  it('counts what is kept beside a graph until it is given back', () => {
    const limits = { memoryBytes: 8 * 12, work: 2 ** 30 };
    const step = { name: 's', op: 'S', inputs: [], outputs: [], run: () => null };
    const costly = { ...step, cost: () => ({ outputs: [[12]], copies: 1, products: 0 }) };
    const meter = new Meter(limits);
    meter.admit(costly, [], 0);
    meter.keep(1);
    const admit = (liveBytes: number) => (): void => {
      meter.admit(costly, [], liveBytes);
    };
    expect(admit(0)).toThrow(/too large/);
    meter.keep(-1);
    meter.admit(costly, [], 0);
    expect(admit(1)).toThrow(/too large/);
  });

  it.each<[string, Build]>([
    ['Resize', (graph) => graph.node('Resize', ['x', '', '', list(graph, 1, 1, -1, 2)])],
    ['ConstantOfShape', (graph) => graph.node('ConstantOfShape', [list(graph, -3)])],
    ['Tile', (graph) => graph.node('Tile', ['x', list(graph, 1, 1, -2, 2)])],
  ])('%s to extents that cannot be is refused as malformed', async (_, build) => {
    await expect(run(build, 1, CLIENT_GRAPH_LIMITS)).rejects.toMatchObject({ code: 'malformed-model' });
  });

  it.each<[string, Build]>([
    ['a loop', (graph) => graph.node('Loop', [list(graph, 2 ** 40), '', 'x'])],
    ['an operator of somebody', (graph) => graph.node('Unheard', ['x'])],
    [
      'regions, whose places follow from the values',
      (graph) =>
        graph.node('RoiAlign', ['x', graph.constant('float32', [1, 4], [0, 0, 2, 2]), list(graph, 0)]),
    ],
    ['places that are counted at run time', (graph) => graph.node('NonZero', ['x'])],
  ])('%s does not run, since nobody knows what it takes', async (_, build) => {
    await expect(run(build, 1, CLIENT_GRAPH_LIMITS)).rejects.toMatchObject({
      code: 'unsupported',
      details: { expected: 'an operator of which it is known before what it takes' },
    });
  });

  it('nonsense that a node computes with is an error of ours', async () => {
    const crash: Step = {
      name: 's',
      op: 'S',
      inputs: [],
      outputs: ['y'],
      run: () => {
        throw new RangeError('Invalid typed array length: -1');
      },
      cost: () => ({ outputs: [[1]], copies: 1, products: 0 }),
    };
    const running = { outside: null, meter: new Meter(CLIENT_GRAPH_LIMITS) };
    await expect(interpret([crash], new Map(), ['y'], running)).rejects.toMatchObject({
      code: 'malformed-model',
      details: { where: 's', message: 'S: the node cannot be computed' },
    });
    await expect(interpret([crash], new Map(), ['y'])).rejects.toThrow(RangeError);
  });
});
