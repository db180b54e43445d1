import { bitLength, ceilLog2 } from '../../../compiler/base/interval.ts';
import type { Draft, Rule, Subject } from '../rule.ts';
import { bitsText } from '../texts.ts';

/** The weights would fit into fewer bits than declared: the datatype tier is looser than it need be. */
export const unusedWeightBits: Rule = {
  name: 'unused-weight-bits',
  level: 'info',
  summary: 'The weights do not use the bits that are declared for them.',
  check,
};

function check({ spec, locate }: Subject): Draft[] {
  const { bits, signed, values, zeroPoints } = spec.weights;
  let [lo, hi] = [0, 0];
  for (const list of [values, zeroPoints]) {
    for (const value of list) {
      lo = Math.min(lo, value);
      hi = Math.max(hi, value);
    }
  }
  const path = ['weights', 'bits'];
  const needed = Math.max(1, signed ? ceilLog2(Math.max(-lo, hi + 1)) + 1 : bitLength(hi));
  if (needed >= bits) return [];
  return [
    {
      message: `the weights lie within [${lo}, ${hi}]: ${bitsText({ bits: needed, signed })} hold them, ${bits} are declared`,
      // A model has nowhere to declare them but in what it was exported from.
      hint: locate(path) === null ? null : `declare ${needed}`,
      declare: { of: 'weights', width: { bits: needed, signed } },
      path,
    },
  ];
}
