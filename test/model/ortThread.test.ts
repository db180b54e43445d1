import { expect, it } from 'vitest';
import { ModelWriter } from '../../bench/models/modelWriter.ts';
import { runInOrtThread } from '../../src/model/ortThread.ts';
import type { OrtTask } from '../../src/model/ortThread.ts';
import { typedTensor } from '../../src/model/typedTensor.ts';

const SHAPE = [4];

/** -x. */
function negation(): OrtTask {
  const graph = new ModelWriter();
  const y = graph.node('Neg', ['x']);
  const port = { type: 'float32', shape: SHAPE } as const;
  const model = graph.encode('negation', 13, [{ name: 'x', ...port }], [{ name: y, ...port }]);
  const x = typedTensor('float32', SHAPE, [1, -2, 3, -4], 'x');
  return { model, what: 'a model', inputs: new Map([['x', x]]) };
}

async function outputs(task: OrtTask): Promise<unknown> {
  const outcome = await runInOrtThread(task);
  return outcome.kind === 'outputs' ? [...outcome.outputs.values()].map(({ data }) => [...data]) : outcome;
}

it('a model runs in a thread of its own, and the next one too', async () => {
  expect(await outputs(negation())).toEqual([[-1, 2, -3, 4]]);
  expect(await outputs(negation())).toEqual([[-1, 2, -3, 4]]);
});

it('what does not end is given up, what is no model is refused, and the next model runs', async () => {
  expect(await runInOrtThread(negation(), 0)).toEqual({
    kind: 'refused',
    reason: 'onnxruntime-web did not end within 0 s',
  });
  expect(await outputs(negation())).toEqual([[-1, 2, -3, 4]]);
  const broken = await runInOrtThread({ ...negation(), model: new Uint8Array(100).fill(7) });
  expect(broken).toMatchObject({ kind: 'refused' });
  expect(broken).toHaveProperty('reason', expect.stringContaining('onnxruntime-web does not run this'));
  expect(await outputs(negation())).toEqual([[-1, 2, -3, 4]]);
});
