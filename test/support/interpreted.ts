import { openClearGraph } from '../../src/model/openClearGraph.ts';
import type { NumericArray } from '../../src/interpreter/values.ts';

/** The tensor `output` of a model by the interpreter, which shares nothing with networks of one round. */
export async function interpreted(
  bytes: Uint8Array,
  input: { readonly name: string; readonly shape: readonly number[]; readonly data: NumericArray },
  output: string,
): Promise<number[]> {
  const { name, shape, data } = input;
  const type = data instanceof Uint8Array ? 'uint8' : 'float32';
  const graph = openClearGraph({ format: 'onnx', bytes }, []);
  const found = await graph.run(new Map([[name, { type, shape, data }]]), [output]);
  return Array.from(found.get(output)?.data ?? []);
}
