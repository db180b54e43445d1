import { refusalOf } from '../../../compiler/lowerings/feasible.ts';
import type { Draft, Rule, Subject } from '../rule.ts';
import { witnessOf } from '../witness.ts';

/**
 * No BFV parameters of 128 bits carry the convolution. Sums too wide for exact arithmetic are refused when the config is
 * read and become a finding of this rule there (unreadable.ts); here it is the ring that is too small.
 */
export const beyondBfv: Rule = {
  name: 'beyond-bfv',
  level: 'error',
  summary: 'The accumulator is beyond what BFV can carry at 128 bits of security.',
  check,
};

function check({ spec, analysis }: Subject): Draft[] {
  const { accumulator, exact } = analysis;
  const reason = refusalOf(spec);
  if (reason === null) return [];
  const { kernelHeight, kernelWidth } = spec.weights;
  return [
    {
      message: `no lowering carries a kernel of ${kernelHeight} x ${kernelWidth}, dilations ${spec.dilations.join(' x ')}: ${reason}`,
      hint: 'use a smaller kernel or dilation, or split the kernel over several convolutions',
      path: ['weights', 'shape'],
      interval: exact.channels[0]!,
      requiredBits: exact.required.bits,
      witness: witnessOf(spec, accumulator, 0, 'high'),
    },
  ];
}
