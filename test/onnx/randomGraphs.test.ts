import { expect, it } from 'vitest';
import { runInOnnxruntime } from '../support/onnx/onnxruntime.ts';
import { arbitraryGraph } from '../support/onnx/randomGraph.ts';
import { fc, runs } from '../support/properties.ts';

it('onnxruntime-web runs every random graph but those of QONNX, and its outputs are what is declared', async () => {
  await fc.assert(
    fc.asyncProperty(arbitraryGraph(), async ({ bytes, inputs, outputs, forms }) => {
      if (forms.has('QONNX')) return;
      const results = await runInOnnxruntime(bytes, inputs, forms.has('other width') ? 'disabled' : 'all');
      for (const { name, type, shape } of outputs) expect(results.get(name)).toMatchObject({ type, shape });
    }),
    { numRuns: runs(40) },
  );
});

it('random graphs have every linear operator in every form, signed and unsigned, per channel, with branches', () => {
  const graphs = fc.sample(arbitraryGraph(), runs(200));
  const operators = new Set(graphs.flatMap(({ linearOperators }) => linearOperators));
  expect([...operators].sort()).toEqual(
    [
      'Conv',
      'ConvInteger',
      'ConvTranspose',
      'Gemm',
      'MatMul',
      'MatMulInteger',
      'QLinearConv',
      'QLinearMatMul',
    ].sort(),
  );
  expect(new Set(graphs.flatMap(({ forms }) => [...forms]))).toEqual(
    new Set(['dynamic', 'other width', 'QONNX']),
  );
  const text = graphs.map(({ description }) => description).join('\n');
  for (const part of ['Add(', 'Concat(', '"uint8"', '"int8"', '"sharesFloats":true', '"sharesFloats":false'])
    expect(text).toContain(part);
  // int16, uint16, int4, uint4 of TensorProto.DataType; scales that are lists.
  for (const type of [':5[', ':4[', ':22[', ':21[', ':1[2]', ':1[3]']) expect(text).toContain(type);
});

it('a random graph follows from its seed', () => {
  const [first] = fc.sample(arbitraryGraph(), { numRuns: 1, seed: 4 });
  const [second] = fc.sample(arbitraryGraph(), { numRuns: 1, seed: 4 });
  expect(second?.bytes).toEqual(first?.bytes);
  expect(fc.stringify(first)).toBe(first?.description);
});
