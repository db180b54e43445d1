/** ONNX's own node tests, computed by the interpreter alone: equal to the recorded outputs. Reads DATA_DIR/onnx/node. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { orderedNodes } from '../../src/frontend/onnx/graph/graph.ts';
import { readInitializers } from '../../src/frontend/onnx/graph/values.ts';
import { noExternalData } from '../../src/frontend/onnx/proto/externalReader.ts';
import { stepsOf } from '../../src/frontend/onnx/operators/steps.ts';
import { readModelProto } from '../../src/frontend/onnx/proto/readProto.ts';
import { decodeTensorFile } from '../../src/frontend/onnx/proto/tensorProto.ts';
import type { OnnxTensor } from '../../src/frontend/onnx/types.ts';
import { interpret } from '../../src/interpreter/interpreter.ts';

const dataFolder = process.env['DATA_DIR'];
if (dataFolder === undefined) throw new Error('set DATA_DIR to the folder that holds onnx');
const NODES = join(dataFolder, 'onnx', 'node');

function recorded(test: string, file: string): OnnxTensor {
  const path = join(NODES, test, 'test_data_set_0', file);
  return decodeTensorFile(readFileSync(path), path);
}

const tests = readdirSync(NODES).sort();

it('there are node tests', () => {
  expect(tests.length).toBeGreaterThanOrEqual(15);
});

it.each(tests)('%s', async (test) => {
  const { proto, graph } = readModelProto(readFileSync(join(NODES, test, 'model.onnx')), test);
  const steps = stepsOf(orderedNodes(graph, test), Number(proto.opsetImport[0]?.version ?? 1n), test);
  const given = new Map([
    ...readInitializers(graph, noExternalData, test),
    ...graph.input.map(({ name }, index) => [name, recorded(test, `input_${index}.pb`)] as const),
  ]);
  const names = graph.output.map(({ name }) => name);
  const made = await interpret(steps, given, names);
  for (const [index, name] of names.entries()) {
    const [ours, expected] = [made.get(name)!, recorded(test, `output_${index}.pb`)];
    expect([ours.type, ours.shape]).toEqual([expected.type, expected.shape]);
    expect(Array.from(ours.data)).toEqual(Array.from(expected.data));
  }
});
