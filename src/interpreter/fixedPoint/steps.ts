import type { Step } from '../interpreter.ts';
import type { DenseTensor } from '../values.ts';
import { malformed, unsupported } from './call.ts';
import type { Call } from './call.ts';
import { accumulatorType, linearParts } from './linearParts.ts';
import type { FixedPointNode, FixedPointRounding, FixedPointTensor, LinearOperator } from './node.ts';
import { OPERATORS } from './registry.ts';
import { internalError } from '../../../compiler/base/errors.ts';

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
    const { reads, prepare } = OPERATORS[node.operation.op];
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
    };
  });
}

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
  const { shape, prepare } = OPERATORS[node.operation.op];
  const made = shape(call, (input) => constants.get(node.inputs[input] ?? '') ?? null);
  const { output } = call;
  if (made.join() !== output.shape.join())
    throw malformed(call, 'shape of the output', `[${made.join(', ')}]`, `[${output.shape.join(', ')}]`);
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

function callOf(node: FixedPointNode, tensors: Described, rounding: FixedPointRounding): Call {
  const { name, operation, inputs, outputs } = node;
  const described = (tensor: string): FixedPointTensor => {
    const found = tensors.get(tensor);
    if (found !== undefined) return found;
    throw internalError(`${operation.op} "${name}": nothing describes the tensor ${tensor}`);
  };
  const [first] = outputs;
  if (first === undefined) throw internalError(`${operation.op} "${name}" has no output`);
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
