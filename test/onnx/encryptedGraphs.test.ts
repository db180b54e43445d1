/** Random quantized graphs: compiled, run encrypted layer by layer, equal to the whole graph in onnxruntime-web. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { importOnnx } from '../../src/frontend/onnx/importOnnx.ts';
import { compileModel } from '../../src/model/compileModel.ts';
import { ModelRunner } from '../../src/model/runModel.ts';
import { toDoubles, typedTensor } from '../../src/model/typedTensor.ts';
import { runInOnnxruntime } from '../support/onnx/onnxruntime.ts';
import { arbitraryGraph } from '../support/onnx/randomGraph.ts';
import type { RandomGraph } from '../support/onnx/randomGraph.ts';

const GRAPHS = Number(process.env['GRAPHS'] ?? 200);

async function encrypted({ bytes, inputs }: RandomGraph) {
  const plan = compileModel(await importOnnx(bytes));
  const runner = await ModelRunner.open(plan);
  const tensors = inputs.map(
    ({ name, type, shape, data }) => [name, typedTensor(type, shape, data, name)] as const,
  );
  try {
    return { plan, ...(await runner.run(new Map(tensors))) };
  } finally {
    await runner.dispose();
  }
}

it(`${GRAPHS} random graphs: encrypted = onnxruntime`, async () => {
  const kinds = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(arbitraryGraph(), async (graph) => {
      const { plan, outputs, report } = await encrypted(graph);
      kinds.set(plan.reference.kind, (kinds.get(plan.reference.kind) ?? 0) + 1);
      const expected = await runInOnnxruntime(graph.bytes, graph.inputs);
      for (const { name } of graph.outputs) {
        const [wanted, got] = [expected.get(name)!, outputs.get(name)!];
        expect(got.type).toBe(wanted.type);
        expect(got.shape).toEqual(wanted.shape);
        expect([...toDoubles(got, name)]).toEqual(wanted.data);
      }
      expect(report.match).toBe(true);
      expect(report.layers).toHaveLength(graph.linearOperators.length);
    }),
    { numRuns: GRAPHS },
  );
  console.log(kinds);
}, 900_000);
