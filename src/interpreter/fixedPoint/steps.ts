import type { Step } from '../interpreter.ts';
import type { DenseTensor } from '../values.ts';
import { callOf } from './check.ts';
import type { FixedPointNode, FixedPointRounding, FixedPointTensor } from './node.ts';
import { OPERATORS } from './registry.ts';

type Described = ReadonlyMap<string, FixedPointTensor>;

/**
 * The steps of a network in fixed-point arithmetic, for interpret().
 * @param tensors all that the nodes name
 * @throws CipherconvError `unsupported` or `malformed-model`, as checkFixedPointNode does
 */
export function fixedPointSteps(
  nodes: readonly FixedPointNode[],
  tensors: Described,
  rounding: FixedPointRounding,
): Step[] {
  return nodes.map((node) => {
    const call = callOf(node, tensors, rounding);
    const { reads, products, prepare } = OPERATORS[node.operation.op];
    const compute = prepare(call);
    const { type, shape } = call.output;
    return {
      name: node.name,
      op: node.operation.op,
      inputs: node.inputs.slice(0, reads),
      outputs: node.outputs,
      run: (inputs: readonly (DenseTensor | null)[]): readonly DenseTensor[] => [
        { type, shape: [...shape], data: compute(inputs) },
      ],
      cost: () => ({ outputs: [shape], copies: 2, products: products?.(call) ?? 0 }),
    };
  });
}
