import { CipherconvError } from '../../../compiler/base/errors.ts';
import type {
  FixedPointNode,
  FixedPointOperation,
  FixedPointRounding,
  FixedPointTensor,
} from '../../../src/interpreter/fixedPoint/node.ts';
import { checkFixedPointNode } from '../../../src/interpreter/fixedPoint/check.ts';
import { fixedPointSteps } from '../../../src/interpreter/fixedPoint/steps.ts';
import { emptyArray } from '../../../src/interpreter/values.ts';
import type { DenseTensor } from '../../../src/interpreter/values.ts';
import type { ElementType } from '../../../src/frontend/onnx/proto/codes.ts';

/** One operator, checked and run. */

/** A tensor of a test, with its values where it is an input. */
export interface Given extends FixedPointTensor {
  readonly data: readonly number[];
}

export function tensor(
  type: ElementType,
  shape: readonly number[],
  scales: readonly number[] = [],
  zeroPoints: readonly number[] = scales.map(() => 0),
): FixedPointTensor {
  return { type, shape, scales: scales.map(Math.fround), zeroPoints, axis: 0 };
}

export function given(described: FixedPointTensor, data: readonly number[]): Given {
  return { ...described, data };
}

export function constant(type: ElementType, data: readonly number[], shape = [data.length]): Given {
  return given(tensor(type, shape), data);
}

function dense({ type, shape, data }: Given): DenseTensor {
  const values = emptyArray(type, data.length);
  values.set(data);
  return { type, shape: [...shape], data: values };
}

/** The operator as a node of tensors `in0`, `in1`, ... and `out`; all inputs count as constants. */
export function nodeOf(
  operation: FixedPointOperation,
  inputs: readonly (FixedPointTensor | null)[],
  output: FixedPointTensor,
): { readonly node: FixedPointNode; readonly tensors: ReadonlyMap<string, FixedPointTensor> } {
  const names = inputs.map((input, index) => (input === null ? '' : `in${index}`));
  const tensors = new Map<string, FixedPointTensor>([['out', output]]);
  inputs.forEach((input, index) => {
    if (input !== null) tensors.set(`in${index}`, input);
  });
  return { node: { name: 'node', operation, inputs: names, outputs: ['out'] }, tensors };
}

export async function evaluated(
  operation: FixedPointOperation,
  inputs: readonly (Given | null)[],
  output: FixedPointTensor,
  rounding: FixedPointRounding = 'double',
): Promise<number[]> {
  const { node, tensors } = nodeOf(operation, inputs, output);
  const values = inputs.map((input) => (input === null ? null : dense(input)));
  const constants = new Map<string, DenseTensor>();
  values.forEach((value, index) => {
    if (value !== null) constants.set(`in${index}`, value);
  });
  checkFixedPointNode(node, tensors, constants, rounding);
  const [step] = fixedPointSteps([node], tensors, rounding);
  const made = await step!.run(values.slice(0, step!.inputs.length));
  return Array.from(made![0]!.data);
}

/** Whether the check takes it; inputs that have values are constants. */
export function isAccepted(
  operation: FixedPointOperation,
  inputs: readonly (FixedPointTensor | Given | null)[],
  output: FixedPointTensor,
): boolean {
  const { node, tensors } = nodeOf(operation, inputs, output);
  const constants = new Map<string, DenseTensor>();
  inputs.forEach((input, index) => {
    if (input !== null && 'data' in input) constants.set(`in${index}`, dense(input));
  });
  try {
    checkFixedPointNode(node, tensors, constants, 'double');
    return true;
  } catch (error) {
    if (error instanceof CipherconvError) return false;
    throw error;
  }
}
