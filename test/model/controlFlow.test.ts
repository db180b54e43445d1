/** Nodes with sub-graphs: they run in the clear, as one, and the layers around them are encrypted. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { create, toBinary } from '@bufbuild/protobuf';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { GraphProtoSchema } from '../../src/frontend/onnx/proto/onnx_pb.ts';
import { importModel } from '../../src/frontend/onnx/importOnnx.ts';
import type { ImportOptions } from '../../src/frontend/onnx/types.ts';
import { loadAnySource } from '../../src/model/modelSources.ts';
import { temporaryFolder } from '../cli/spawnCli.ts';
import { compileModel } from '../../src/model/compileModel.ts';
import type { ModelRunResult } from '../../src/model/runModel.ts';
import { runModel } from '../../src/model/runModel.ts';
import { typedTensor } from '../../src/model/typedTensor.ts';
import type { TypedTensor } from '../../src/model/typedTensor.ts';
import {
  encodeModel,
  imported,
  int,
  node,
  refusalOf,
  scalar,
  tensor,
  value,
} from '../frontend/onnx/models.ts';
import type { Attribute, Graph } from '../frontend/onnx/models.ts';

type Body = MessageInitShape<typeof GraphProtoSchema>;

function body(name: string, graph: Body): Attribute {
  return { name, type: 5, g: toBinary(GraphProtoSchema, create(GraphProtoSchema, { name, ...graph })) };
}

/** x (floats) to integers times 3, behind a DynamicQuantizeLinear or a QuantizeLinear of step 1. */
const quantized = [
  node('QuantizeLinear', ['x', 'one', 'zero'], ['q'], [], { name: 'quantize' }),
  node('ConvInteger', ['q', 'w', 'zero'], ['sums'], [], { name: 'first' }),
  node('Cast', ['sums'], ['a'], [int('to', 1)]),
];
const shared = [
  scalar('one', 'float32', 1),
  scalar('zero', 'uint8', 0),
  tensor('w', 'int8', [1, 1, 1, 1], [3]),
  scalar('ten', 'float32', 10),
];
const SHAPE = [1, 1, 2, 2];
const input = value('x', 'float32', SHAPE);

/** If the largest value is beyond ten, halves; else the negative. Both read `a` from outside. */
const choice = node(
  'If',
  ['large'],
  ['chosen'],
  [
    body('then_branch', {
      node: [node('Div', ['a', 'two'], ['half'])],
      initializer: [scalar('two', 'float32', 2)],
      output: [value('half', 'float32', SHAPE)],
    }),
    body('else_branch', { node: [node('Neg', ['a'], ['neg'])], output: [value('neg', 'float32', SHAPE)] }),
  ],
  { name: 'choice' },
);
const condition = [
  node('ReduceMax', ['a'], ['most'], [int('keepdims', 0)]),
  node('Greater', ['most', 'ten'], ['large']),
];

/** A layer behind a tensor of `SHAPE`. */
const second = [
  node('QuantizeLinear', ['chosen', 'one', 'zero'], ['q2']),
  node('ConvInteger', ['q2', 'w', 'zero'], ['y'], [], { name: 'second' }),
];

async function run(
  graph: Graph,
  data: readonly number[],
  options: ImportOptions = {},
  more: ReadonlyMap<string, TypedTensor> = new Map(),
): Promise<ModelRunResult> {
  const plan = compileModel(importModel(encodeModel(graph), options));
  return runModel(plan, new Map([['x', typedTensor('float32', SHAPE, data, 'x')], ...more]));
}

function expectEqual({ report, statisticReason }: ModelRunResult, layers: readonly string[]): void {
  expect(report.match).toBe(true);
  expect(report.layers.map(({ name }) => name)).toEqual(layers);
  expect(statisticReason).toBeNull();
  expect(report.statistic?.differing).toBe(0);
}

const output = (result: ModelRunResult, name: string): number[] =>
  Array.from(result.outputs.get(name)!.data, Number);

describe('control flow', () => {
  const branching: Graph = {
    nodes: [...quantized, ...condition, choice, ...second],
    initializers: shared,
    inputs: [input],
    valueInfo: [value('chosen', 'float32', SHAPE)],
    outputs: [value('y', 'int32', SHAPE)],
  };

  it('If: its branches read what a layer made, and a layer follows whose shape the model states', async () => {
    const large = await run(branching, [2, 4, 0, 6]);
    expectEqual(large, ['first', 'second']);
    expect(output(large, 'y')).toEqual([9, 18, 0, 27]);
    expect(large.report.clear).toEqual([
      { name: 'choice', op: 'If', reason: 'control flow runs in the clear as a whole' },
    ]);
    const small = await run(branching, [1, 2, 0, 3]);
    expectEqual(small, ['first', 'second']);
    expect(output(small, 'y')).toEqual([0, 0, 0, 0]);
  });

  it('a layer whose shape nothing states stays in the clear, and the reason names the If', () => {
    const { layers, unsupported } = imported({ ...branching, valueInfo: [] });
    expect(layers.map(({ name }) => name)).toEqual(['first']);
    expect(unsupported.find(({ name }) => name === 'second')?.reason).toBe(
      'the shape of "q2" is not known from If "choice" on: export the model with fixed shapes',
    );
  });

  it('a run from the model takes the shapes that nothing states from a run in the clear', async () => {
    const folder = temporaryFolder();
    const [model, x] = [join(folder, 'm.onnx'), join(folder, 'x.json')];
    writeFileSync(model, encodeModel({ ...branching, valueInfo: [] }));
    writeFileSync(x, JSON.stringify({ shape: SHAPE, data: [2, 4, 0, 6] }));
    const flags = { bind: [], inputType: [], extent: [] };
    const source = await loadAnySource(model, flags, [x]);
    if (source.kind !== 'model') throw new Error('no model');
    const inputs = new Map([['x', typedTensor('float32', SHAPE, [2, 4, 0, 6], 'x')]]);
    const result = await runModel(compileModel(source.model), inputs);
    expectEqual(result, ['first', 'second']);
    expect(output(result, 'y')).toEqual([9, 18, 0, 27]);
  });

  it('Loop: adds what a layer made, once for each item, from within a body of a body', async () => {
    const inner = node(
      'If',
      ['go'],
      ['step'],
      [
        body('then_branch', {
          node: [node('Identity', ['a'], ['same'])],
          output: [value('same', 'float32', SHAPE)],
        }),
        body('else_branch', {
          node: [node('Neg', ['a'], ['other'])],
          output: [value('other', 'float32', SHAPE)],
        }),
      ],
    );
    const loop = node(
      'Loop',
      ['count', '', 'x'],
      ['chosen'],
      [
        body('body', {
          node: [node('Identity', ['go'], ['goes']), inner, node('Add', ['carried', 'step'], ['next'])],
          input: [value('i', 'int64', []), value('go', 'bool', []), value('carried', 'float32', SHAPE)],
          output: [value('goes', 'bool', []), value('next', 'float32', SHAPE)],
        }),
      ],
      { name: 'loop' },
    );
    const result = await run(
      {
        ...branching,
        nodes: [...quantized, loop, ...second],
        initializers: [...shared, scalar('count', 'int64', 2)],
      },
      [1, 2, 3, 4],
    );
    expectEqual(result, ['first', 'second']);
    expect(output(result, 'y')).toEqual([21, 42, 63, 84]);
  });

  it('a branch with a layer: named, and encrypted once a bound condition decides', async () => {
    const hidden = node(
      'If',
      ['c'],
      ['chosen'],
      [
        body('then_branch', {
          node: [
            node('QuantizeLinear', ['x', 'one', 'zero'], ['q']),
            node('ConvInteger', ['q', 'w', 'zero'], ['s'], [], { name: 'inside' }),
            node('Cast', ['s'], ['f'], [int('to', 1)]),
          ],
          initializer: [tensor('w', 'int8', [1, 1, 1, 1], [2])],
          output: [value('f', 'float32', SHAPE)],
        }),
        body('else_branch', {
          node: [node('Identity', ['x'], ['f'])],
          output: [value('f', 'float32', SHAPE)],
        }),
      ],
      { name: 'choice' },
    );
    const graph: Graph = {
      nodes: [hidden],
      initializers: shared.filter(({ name }) => name !== 'w'),
      inputs: [input, value('c', 'bool', [])],
      outputs: [value('chosen', 'float32', SHAPE)],
    };
    const refusal = refusalOf(() => compileModel(importModel(encodeModel(graph))));
    expect(refusal.details.found).toContain('and with it ConvInteger "inside"; --bind c=FILE.pb decides it');
    const bind = new Map([['c', { type: 'bool' as const, shape: [], data: Uint8Array.of(1) }]]);
    const result = await run(graph, [1, 2, 3, 4], { bind });
    expectEqual(result, ['choice/inside']);
    expect(output(result, 'chosen')).toEqual([2, 4, 6, 8]);
    const other = importModel(encodeModel(graph), {
      bind: new Map([['c', { type: 'bool' as const, shape: [], data: Uint8Array.of(0) }]]),
    });
    expect(other.layers).toEqual([]);
  });

  it('what is decided by shapes is no branch any more: torch.squeeze', async () => {
    const squeeze = node(
      'If',
      ['isOne'],
      ['chosen'],
      [
        body('then_branch', {
          node: [
            node(
              'If',
              ['isOne'],
              ['inner'],
              [
                body('then_branch', {
                  node: [node('Neg', ['a'], ['n']), node('Abs', ['n'], ['m'])],
                  output: [value('m', 'float32', SHAPE)],
                }),
                body('else_branch', {
                  node: [node('Neg', ['a'], ['n'])],
                  output: [value('n', 'float32', SHAPE)],
                }),
              ],
            ),
            node('Identity', ['inner'], ['o']),
          ],
          output: [value('o', 'float32', [])],
        }),
        body('else_branch', { node: [node('Identity', ['a'], ['o'])], output: [value('o', 'float32', [])] }),
      ],
      { name: 'squeeze' },
    );
    const result = await run(
      {
        ...branching,
        nodes: [
          ...quantized,
          node('Shape', ['a'], ['shape']),
          node('Gather', ['shape', 'axis'], ['extent'], [int('axis', 0)]),
          node('Equal', ['extent', 'wanted'], ['isOne']),
          squeeze,
          ...second,
        ],
        initializers: [...shared, scalar('axis', 'int64', 1), scalar('wanted', 'int64', 1)],
        valueInfo: [],
      },
      [1, 2, 3, 4],
    );
    expectEqual(result, ['first', 'second']);
    expect(output(result, 'y')).toEqual([9, 18, 27, 36]);
    expect(result.report.clear).toEqual([]);
  });

  it('refuses bodies that are no graphs, that read what is not there, or that nest too deep', () => {
    const withBody = (g: Uint8Array): Graph => ({
      ...branching,
      nodes: [...quantized, node('If', ['q'], ['y'], [{ name: 'then_branch', type: 5, g }])],
    });
    expect(refusalOf(() => imported(withBody(Uint8Array.of(0)))).code).toBe('malformed-model');
    const lost = create(GraphProtoSchema, { node: [node('Neg', ['nowhere'], ['z'])] });
    expect(refusalOf(() => imported(withBody(toBinary(GraphProtoSchema, lost)))).message).toContain(
      '"nowhere"',
    );
    let deep = body('then_branch', { node: [node('Neg', ['a'], ['z'])] });
    for (let depth = 0; depth < 20; depth++)
      deep = body('then_branch', { node: [node('If', ['q'], ['z'], [deep])] });
    expect(refusalOf(() => imported(withBody(deep.g!))).code).toBe('unsupported');
  });
});
