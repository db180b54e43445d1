import { internalError } from '../../../compiler/base/errors.ts';
import type { DenseTensor, NumericArray } from '../values.ts';
import type { Call, Constants } from './call.ts';
import type { FixedPointOperation, OperationOf, OperatorName } from './node.ts';

/** Elements of the output from the values of the inputs. */
export type Compute = (inputs: readonly (DenseTensor | null)[]) => NumericArray;

/** One operator: everything that is known of it. */
export interface Rule<O extends FixedPointOperation> {
  /** Fewest and most inputs. */
  readonly arity: readonly [least: number, most: number];
  /** Inputs, from the first on, whose values it reads; all where absent. */
  readonly reads?: number;
  /** Shape that the output must have. Throws where inputs, or what they say, do not go together. */
  readonly shape: (call: Call<O>, constants: Constants) => readonly number[];
  /** Products that it computes; left out: none beside reading inputs and writing the output. */
  readonly products?: (call: Call<O>) => number;
  /** Its arithmetic. Throws where types, scales or options have none. */
  readonly prepare: (call: Call<O>) => Compute;
}

/** A rule that takes any call and finds its own options in it. */
export type Operator = Rule<FixedPointOperation>;

export function operator<K extends OperatorName>(op: K, rule: Rule<OperationOf<K>>): Operator {
  const narrowed = (call: Call): Call<OperationOf<K>> => {
    const { operation } = call;
    if (isOf(op, operation)) return { ...call, operation };
    throw internalError(`${operation.op} came to the rule of ${op}`);
  };
  const { products, ...rest } = rule;
  return {
    ...rest,
    ...(products === undefined ? {} : { products: (call: Call): number => products(narrowed(call)) }),
    shape: (call, constants) => rule.shape(narrowed(call), constants),
    prepare: (call) => rule.prepare(narrowed(call)),
  };
}

function isOf<K extends OperatorName>(op: K, operation: FixedPointOperation): operation is OperationOf<K> {
  return operation.op === op;
}

/** The values of an input that was checked to be there. */
export function valuesOf(inputs: readonly (DenseTensor | null)[], index: number): DenseTensor {
  const input = inputs[index];
  if (input) return input;
  throw internalError(`input ${index} is missing`);
}
