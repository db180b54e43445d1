import { emptyArray, typeRange } from '../values.ts';
import { gridOf, inputOf, malformed, requireTypes, sameShape, unsupported } from './call.ts';
import type { Call } from './call.ts';
import { exponential, reciprocalOfOnePlus } from './exponential.ts';
import { dividedByPower, doublingHighProduct, quantizedMultiplier } from './numbers.ts';
import type { OperationOf } from './node.ts';
import { operator, valuesOf } from './operator.ts';
import type { Compute } from './operator.ts';

/**
 * SOFTMAX of int8 along the last axis, to int8 or int16:
 *
 *   a = (q - max q) beta si in Q5.26, and 0 where that is below -31;  T = sum of e^a, in Q12.19;  out = e^a / T + lo
 *
 * Where T is 512 or more (int8; from 512 equal inputs on) the reference stops the program. Every share is below half a step
 * there, so each is rounded to 0 here: the output is lo.
 */

const INTEGER_BITS = 5;
/** Sums of int16 outputs beyond this many elements may overflow in the reference. */
const LONGEST_WIDE_ROW = 4095;

/** Scale and zero point that the output must have. */
const OUTPUTS = { int8: { bits: 8, zeroPoint: -128 }, int16: { bits: 16, zeroPoint: -32768 } } as const;

interface Scaling {
  readonly multiplier: number;
  readonly shift: number;
  /** Differences below it count for nothing. */
  readonly least: number;
}

function scalingOf(call: Call<OperationOf<'SOFTMAX'>>): Scaling {
  const { scale } = gridOf(call, inputOf(call, 0), 'input');
  const { beta } = call.operation;
  const largest = call.rounding === 'double' ? 2 ** 31 - 1 : 2 ** 30 - 1;
  const real = Math.min(Math.fround(beta) * scale * 2 ** 26, largest);
  if (!(real > 1))
    throw unsupported(call, 'of a scale like this', 'beta times scale above 2^-26', String(real / 2 ** 26));
  const { multiplier, shift } = quantizedMultiplier(real);
  return { multiplier, shift, least: -Math.floor((31 * 2 ** 26) / 2 ** shift) };
}

/** One row of `shares` (e^a or 0 in Q0.31) to integers of `bits` bits above lo. */
function divideBySum(shares: Int32Array, bits: number): Float64Array {
  let total = 0;
  for (const share of shares) total += dividedByPower(share, 12);
  const zeros = Math.clz32(total);
  const exponent = 12 - zeros + 31 - bits;
  // Also where the total has more than 31 bits.
  if (total >= 2 ** 31 || exponent > 31) return new Float64Array(shares.length);
  const reciprocal = reciprocalOfOnePlus(total * 2 ** zeros - 2 ** 31);
  return Float64Array.from(shares, (share) =>
    dividedByPower(doublingHighProduct(reciprocal, share), exponent),
  );
}

function prepare(call: Call<OperationOf<'SOFTMAX'>>): Compute {
  requireTypes(call, [
    ['int8', 'int8'],
    ['int8', 'int16'],
  ]);
  const { output } = call;
  const { bits, zeroPoint } = OUTPUTS[output.type === 'int16' ? 'int16' : 'int8'];
  const to = gridOf(call, output, 'output');
  if (to.zeroPoint !== zeroPoint || Math.abs(to.scale * 2 ** bits - 1) > 0.001)
    throw unsupported(
      call,
      'to this scale and zero point',
      `2^-${bits} and ${zeroPoint}`,
      `${to.scale} and ${to.zeroPoint}`,
    );
  const length = inputOf(call, 0).shape.at(-1);
  if (length === undefined) throw malformed(call, 'shape of the input', 'an axis', 'none');
  if (output.type === 'int16' && length > LONGEST_WIDE_ROW)
    throw unsupported(call, 'to int16 of rows as long', `at most ${LONGEST_WIDE_ROW}`, String(length));
  const { multiplier, shift, least } = scalingOf(call);
  const { lo, hi } = typeRange(output.type);
  return (inputs) => {
    const values = valuesOf(inputs, 0).data;
    const data = emptyArray(output.type, values.length);
    const shares = new Int32Array(length);
    for (let from = 0; from < values.length; from += length) {
      let most = -Infinity;
      for (let index = 0; index < length; index++) most = Math.max(most, values[from + index]!);
      for (let index = 0; index < length; index++) {
        const difference = values[from + index]! - most;
        shares[index] =
          difference < least
            ? 0
            : exponential(doublingHighProduct(difference * 2 ** shift, multiplier), INTEGER_BITS);
      }
      divideBySum(shares, bits).forEach((share, index) => {
        data[from + index] = Math.max(lo, Math.min(hi, share + lo));
      });
    }
    return data;
  };
}

export const SOFTMAX = operator('SOFTMAX', { arity: [1, 1], shape: sameShape, prepare });
