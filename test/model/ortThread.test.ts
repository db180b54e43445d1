import { EventEmitter } from 'node:events';
import type { Worker } from 'node:worker_threads';
import { expect, it, vi } from 'vitest';
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

/** What takes seconds: x to the 33rd, of 512 rows and columns. */
function endless(): OrtTask {
  const graph = new ModelWriter();
  const shape = [512, 512];
  let y = 'x';
  for (let factor = 0; factor < 32; factor++) y = graph.node('MatMul', [y, 'x']);
  const port = { type: 'float32', shape } as const;
  const model = graph.encode('power', 13, [{ name: 'x', ...port }], [{ name: y, ...port }]);
  const values = new Array<number>(512 * 512).fill(0);
  return { model, what: 'a model', inputs: new Map([['x', typedTensor('float32', shape, values, 'x')]]) };
}

/** A thread that says nothing of its own. */
function fakeThread(): Worker {
  const silent = { postMessage: vi.fn(), terminate: vi.fn(), ref: vi.fn(), unref: vi.fn() };
  return Object.assign(new EventEmitter(), silent) as unknown as Worker;
}

async function outputs(task: OrtTask): Promise<unknown> {
  const outcome = await runInOrtThread(task);
  return outcome.kind === 'outputs' ? [...outcome.outputs.values()].map(({ data }) => [...data]) : outcome;
}

it('a thread that is given up is not kept, though what it said before it ended arrives late', async () => {
  const late = fakeThread();
  const open = vi.fn(() => late);
  // The deadline takes the threads that are kept until a new one is asked for.
  while (open.mock.calls.length === 0)
    expect(await runInOrtThread(endless(), 0, open)).toMatchObject({ kind: 'refused' });
  late.emit('message', { kind: 'outputs', outputs: new Map() });
  late.emit('message', { kind: 'ready' });
  expect(await outputs(negation())).toEqual([[-1, 2, -3, 4]]);
});

it('a model runs in a thread of its own, and the next one too', async () => {
  expect(await outputs(negation())).toEqual([[-1, 2, -3, 4]]);
  expect(await outputs(negation())).toEqual([[-1, 2, -3, 4]]);
});

it('what does not end is given up, what is no model is refused, and the next model runs', async () => {
  expect(await runInOrtThread(endless(), 0)).toEqual({
    kind: 'refused',
    reason: 'onnxruntime-web did not end within 0 s',
  });
  expect(await outputs(negation())).toEqual([[-1, 2, -3, 4]]);
  const broken = await runInOrtThread({ ...negation(), model: new Uint8Array(100).fill(7) });
  expect(broken).toMatchObject({ kind: 'refused' });
  expect(broken).toHaveProperty('reason', expect.stringContaining('onnxruntime-web does not run this'));
  expect(await outputs(negation())).toEqual([[-1, 2, -3, 4]]);
});
