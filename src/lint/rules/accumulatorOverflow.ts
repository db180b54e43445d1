import { contains, datatypeRange } from '../../../compiler/base/interval.ts';
import type { Interval } from '../../../compiler/base/interval.ts';
import { remediesFor } from '../../../compiler/accumulator/remedies.ts';
import type { Draft, Rule, Subject } from '../rule.ts';
import { bitsText, declareText, rangeText, remedyTexts, requiredBitsFor, sufficientWidth } from '../texts.ts';
import { witnessOf } from '../witness.ts';

/** The exact range of some output channel leaves the declared width: some input overflows. One finding a layer. */
export const accumulatorOverflow: Rule = {
  name: 'accumulator-overflow',
  level: 'error',
  summary: 'An input exists for which the accumulator leaves its declared width.',
  check,
};

function check(subject: Subject): Draft[] {
  const { spec, analysis, weightPath } = subject;
  const { declared, accumulator, exact, taps } = analysis;
  if (declared === null) return [];
  const limit = datatypeRange(declared.bits, declared.signed);
  if (contains(limit, exact.interval)) return [];
  const excess = ({ lo, hi }: Interval): number => Math.max(hi - limit.hi, limit.lo - lo);
  const worst = exact.channels.reduce(
    (most, interval, channel) => (excess(interval) > excess(exact.channels[most]!) ? channel : most),
    0,
  );
  const interval = exact.channels[worst]!;
  const end = interval.hi - limit.hi >= limit.lo - interval.lo ? 'high' : 'low';
  const now = { taps, weightBits: spec.weights.bits, inputBits: spec.input.bits };
  const hints = [
    declareText(subject, sufficientWidth(exact.interval, declared)),
    ...remedyTexts(remediesFor(spec, exact.channels, declared), now),
  ];
  return [
    {
      message:
        `output channel ${worst} reaches ${rangeText(interval)}, ` +
        `but ${bitsText(declared)} hold only ${rangeText(limit)}`,
      hint: hints.join('; or '),
      declare: { of: 'accumulator', width: sufficientWidth(exact.interval, declared) },
      path: ['accumulator', 'bits'],
      underline: weightPath(worst),
      interval,
      requiredBits: requiredBitsFor(interval, declared),
      witness: witnessOf(spec, accumulator, worst, end),
    },
  ];
}
