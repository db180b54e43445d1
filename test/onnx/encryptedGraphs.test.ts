/** Random quantized graphs: compiled, run encrypted layer by layer, equal to the whole graph in onnxruntime-web. */
import { fc, runs } from '../support/properties.ts';
import { expect, it } from 'vitest';
import { importOnnx } from '../../src/frontend/onnx/importOnnx.ts';
import { compileModel } from '../../src/model/compileModel.ts';
import { runModel } from '../../src/model/runModel.ts';
import type { ModelRunResult } from '../../src/model/runModel.ts';
import { toDoubles, typedTensor } from '../../src/model/typedTensor.ts';
import { runInOnnxruntime } from '../support/onnx/onnxruntime.ts';
import { arbitraryGraph } from '../support/onnx/randomGraph.ts';
import type { RandomGraph } from '../support/onnx/randomGraph.ts';

/** -0 + 0 is 0. */
const withoutSign = (value: number): number => value + 0;

async function encrypted({ bytes, inputs }: RandomGraph): Promise<ModelRunResult> {
  const tensors = inputs.map(
    ({ name, type, shape, data }) => [name, typedTensor(type, shape, data, name)] as const,
  );
  return runModel(compileModel(await importOnnx(bytes)), new Map(tensors));
}

it('random graphs: encrypted = onnxruntime', async () => {
  const kinds = new Set<string>();
  let lively = 0;
  await fc.assert(
    fc.asyncProperty(arbitraryGraph(), async (graph) => {
      const { outputs, report } = await encrypted(graph);
      kinds.add(report.comparison?.kind ?? 'none');
      const expected = await runInOnnxruntime(graph.bytes, graph.inputs);
      for (const { name } of graph.outputs) {
        const [wanted, got] = [expected.get(name)!, outputs.get(name)!];
        expect(got.type).toBe(wanted.type);
        expect(got.shape).toEqual(wanted.shape);
        // A float sum of zeros may be -0; integers have one zero.
        expect(Array.from(toDoubles(got, name), withoutSign)).toEqual(wanted.data.map(withoutSign));
        if (new Set(wanted.data).size > 1) lively++;
      }
      expect(report.match).toBe(true);
      expect(report.layers).toHaveLength(graph.linearOperators.length);
    }),
    { numRuns: runs(40) },
  );
  expect(kinds).toContain('model');
  expect(lively).toBeGreaterThan(runs(20));
}, 900_000);
