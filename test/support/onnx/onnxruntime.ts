/** Whole models in onnxruntime-web on one thread: what encrypted runs are compared with. */
import * as ort from 'onnxruntime-web/wasm';
import type { GraphInput } from './randomGraph.ts';

ort.env.wasm.numThreads = 1;

export interface RuntimeOutput {
  readonly type: string;
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

const ARRAYS = { uint8: Uint8Array, int8: Int8Array, float32: Float32Array };

/**
 * Outputs by name.
 * @param optimization only `all` computes QDQ groups in integers
 */
export async function runInOnnxruntime(
  bytes: Uint8Array,
  inputs: readonly GraphInput[],
  optimization: 'all' | 'disabled' = 'all',
): Promise<Map<string, RuntimeOutput>> {
  const session = await ort.InferenceSession.create(bytes, {
    executionProviders: ['wasm'],
    graphOptimizationLevel: optimization,
    logSeverityLevel: 3,
  });
  try {
    const feeds = inputs.map(({ name, type, shape, data }) => {
      const tensor = new ort.Tensor(type, ARRAYS[type].from(data), shape);
      return [name, tensor] as const;
    });
    const results = await session.run(Object.fromEntries(feeds));
    return new Map(
      Object.entries(results).map(([name, { type, dims, data }]) => [
        name,
        { type, shape: dims, data: Array.from(data as ArrayLike<number | bigint>, Number) },
      ]),
    );
  } finally {
    await session.release();
  }
}
