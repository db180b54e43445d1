import { datatypeRange } from '../../../compiler/base/interval.ts';
import type { Draft, Rule, Subject } from '../rule.ts';
import { bitsText, declareText, listText, rangeText, requiredBitsFor, sufficientWidth } from '../texts.ts';
import { witnessOf } from '../witness.ts';

/** A bias that the declared width cannot even hold, whatever is added to it. One finding a layer. */
export const biasOutOfRange: Rule = {
  name: 'bias-out-of-range',
  level: 'error',
  summary: 'A bias alone lies outside the declared accumulator.',
  check,
};

function check(subject: Subject): Draft[] {
  const { spec, analysis } = subject;
  const { declared, accumulator, exact } = analysis;
  if (declared === null) return [];
  const limit = datatypeRange(declared.bits, declared.signed);
  const outside = spec.bias.flatMap((bias, channel) => (bias < limit.lo || bias > limit.hi ? [channel] : []));
  const [first] = outside;
  if (first === undefined) return [];
  const bias = spec.bias[first]!;
  const interval = exact.channels[first]!;
  const others = outside.length === 1 ? '' : ` (so do channels ${listText(outside.slice(1))})`;
  return [
    {
      message:
        `the bias ${bias} of output channel ${first} lies outside ${rangeText(limit)}, ` +
        `what ${bitsText(declared)} hold${others}`,
      hint:
        `${declareText(subject, sufficientWidth(exact.interval, declared))}, or add the bias after decryption, ` +
        `or requantize so that every bias is within ${rangeText(limit)}`,
      declare: { of: 'accumulator', width: sufficientWidth(exact.interval, declared) },
      path: ['bias', first],
      interval,
      requiredBits: requiredBitsFor(interval, declared),
      witness: witnessOf(spec, accumulator, first, bias > limit.hi ? 'high' : 'low'),
    },
  ];
}
