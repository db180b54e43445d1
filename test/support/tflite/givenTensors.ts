import { emptyArray } from '../../../src/interpreter/values.ts';
import type { DenseTensor } from '../../../src/interpreter/values.ts';
import type { RandomGraph } from './randomGraph.ts';
import type { WrittenModel, WrittenTensor } from './writeModel.ts';

/** What the interpreter is given to run a graph of the tests. */

function dense({ type, shape }: WrittenTensor, values: readonly number[]): DenseTensor {
  const data = emptyArray(type, values.length);
  data.set(values);
  return { type, shape: [...shape], data };
}

export function constantsOf({ tensors }: WrittenModel): Map<string, DenseTensor> {
  return new Map(
    tensors.flatMap((tensor) =>
      tensor.data === null ? [] : [[tensor.name, dense(tensor, tensor.data)] as const],
    ),
  );
}

/** Name and values of the one input. */
export function inputOf({ tensors, inputs, data }: RandomGraph): readonly [string, DenseTensor] {
  const [name] = inputs;
  return [
    name!,
    dense(
      tensors.find((tensor) => tensor.name === name)!,
      data,
    ),
  ];
}
