import type { Tensor } from '../../compiler/base/tensor.ts';
import { stackedShape } from '../model/stacks.ts';

/** Tensors of one shape as one, along their first axis. */
export function stackTensors(tensors: readonly Tensor[]): Tensor {
  const [first] = tensors;
  if (first === undefined || tensors.length === 1) return first ?? { shape: [0], data: new Float64Array(0) };
  const data = new Float64Array(first.data.length * tensors.length);
  tensors.forEach((tensor, index) => {
    data.set(tensor.data, index * first.data.length);
  });
  return { shape: stackedShape(first.shape, tensors.length), data };
}
