import { InferenceSession, Tensor as OrtTensor, env } from 'onnxruntime-web/wasm';
import { makeTensor } from '../../../src/index.ts';
import type { Tensor } from '../../../src/index.ts';

/** The whole model in onnxruntime-web, in the clear. @returns scores, [batch, digits] */
export async function scoresInOnnxruntime(model: Uint8Array, drawings: Tensor): Promise<Tensor> {
  env.wasm.numThreads = 1;
  const session = await InferenceSession.create(model, { executionProviders: ['wasm'] });
  try {
    const input = new OrtTensor('uint8', Uint8Array.from(drawings.data), drawings.shape);
    const scores = (await session.run({ drawings: input }))['scores'];
    if (scores?.type !== 'int32') throw new Error('internal: the model has no output named scores, of int32');
    return makeTensor(scores.dims, scores.data as Int32Array);
  } finally {
    await session.release();
  }
}
