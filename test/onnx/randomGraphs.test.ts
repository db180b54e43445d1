import { fc, runs } from '../support/properties.ts';
import { expect, it } from 'vitest';
import { runInOnnxruntime } from '../support/onnx/onnxruntime.ts';
import { arbitraryGraph } from '../support/onnx/randomGraph.ts';

it('onnxruntime-web runs every random graph, and its outputs have the declared types and shapes', async () => {
  await fc.assert(
    fc.asyncProperty(arbitraryGraph(), async ({ bytes, inputs, outputs }) => {
      const results = await runInOnnxruntime(bytes, inputs);
      for (const { name, type, shape } of outputs) expect(results.get(name)).toMatchObject({ type, shape });
    }),
    { numRuns: runs(100) },
  );
});

it('random graphs have every linear operator, and outputs that differ from cell to cell', async () => {
  const graphs = fc.sample(arbitraryGraph(), { numRuns: 200, seed: 9 });
  const operators = new Set(graphs.flatMap(({ linearOperators }) => linearOperators));
  expect([...operators].sort()).toEqual(
    ['Conv', 'ConvInteger', 'Gemm', 'MatMul', 'MatMulInteger', 'QLinearConv', 'QLinearMatMul'].sort(),
  );
  let lively = 0;
  for (const { bytes, inputs } of graphs) {
    const [result] = (await runInOnnxruntime(bytes, inputs)).values();
    if (new Set(result?.data).size > 1) lively++;
  }
  expect(lively).toBeGreaterThan(150);
});

it('a random graph follows from its seed', () => {
  const [first] = fc.sample(arbitraryGraph(), { numRuns: 1, seed: 4 });
  const [second] = fc.sample(arbitraryGraph(), { numRuns: 1, seed: 4 });
  expect(second?.bytes).toEqual(first?.bytes);
  expect(fc.stringify(first)).toBe(first?.description);
});
