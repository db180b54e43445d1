import { CipherconvError, internalError } from '../../../compiler/base/errors.ts';
import type { DenseTensor } from '../values.ts';
import { malformed, unsupported } from './call.ts';
import type { Call } from './call.ts';
import { accumulatorType, linearParts } from './linearParts.ts';
import type { FixedPointNode, FixedPointRounding, FixedPointTensor, LinearOperator } from './node.ts';
import { OPERATORS } from './registry.ts';

/** What is looked at of a node before it computes: nothing here runs one. */

/** Work out of all proportion, whoever's model it is. */
const MOST_PRODUCTS = 2 ** 40;

type Described = ReadonlyMap<string, FixedPointTensor>;

/**
 * Whether a node of a file is whole, and can be computed.
 * @param constants values of the tensors that are constant
 * @throws CipherconvError `malformed-model` where shapes, axes or lists contradict each other, `unsupported` for types,
 *   scales and options that have no arithmetic here
 */
export function checkFixedPointNode(
  node: FixedPointNode,
  tensors: Described,
  constants: ReadonlyMap<string, DenseTensor>,
  rounding: FixedPointRounding,
): void {
  const call = callOf(node, tensors, rounding);
  const { shape, products, prepare } = OPERATORS[node.operation.op];
  const made = shape(call, (input) => constants.get(node.inputs[input] ?? '') ?? null);
  const { output } = call;
  if (made.join() !== output.shape.join())
    throw malformed(call, 'shape of the output', `[${made.join(', ')}]`, `[${output.shape.join(', ')}]`);
  const count = products?.(call) ?? 0;
  if (count > MOST_PRODUCTS) throw unsupported(call, 'with so many products', 'at most 2^40', String(count));
  prepare(call);
}

/** What a linear operator sums in: it decides the arithmetic of its end. */
export function accumulatorOf(
  node: FixedPointNode,
  op: LinearOperator,
  tensors: Described,
): 'int32' | 'int64' {
  const call = callOf(node, tensors, 'double');
  return accumulatorType(call, op, linearParts(call, op));
}

/** A node with what is known of its tensors. */
export function callOf(node: FixedPointNode, tensors: Described, rounding: FixedPointRounding): Call {
  const { name, operation, inputs, outputs } = node;
  const described = (tensor: string): FixedPointTensor => {
    const found = tensors.get(tensor);
    if (found !== undefined) return found;
    throw internalError(`${operation.op} "${name}": nothing describes the tensor ${tensor}`);
  };
  const [first] = outputs;
  // -1, which is read as no name, is a tensor that is left out.
  if (first === undefined || first === '') {
    throw new CipherconvError({
      code: 'malformed-model',
      where: name,
      message: `${operation.op}: an operator without an output`,
      expected: 'one output',
      found: 'none',
    });
  }
  const call = {
    name,
    operation,
    inputs: inputs.map((input) => (input === '' ? null : described(input))),
    output: described(first),
    rounding,
  };
  const [least, most] = OPERATORS[operation.op].arity;
  if (inputs.length < least || inputs.length > most)
    throw malformed(
      call,
      'inputs',
      least === most ? String(least) : `${least} .. ${most}`,
      String(inputs.length),
    );
  if (outputs.length > 1) throw malformed(call, 'outputs', '1', String(outputs.length));
  for (const { shape } of [...call.inputs.filter((input) => input !== null), call.output])
    if (shape.some((extent) => !Number.isSafeInteger(extent) || extent < 1))
      throw unsupported(
        call,
        'of tensors without elements',
        'extents of 1 and more',
        `[${shape.join(', ')}]`,
      );
  return call;
}
