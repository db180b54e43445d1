import { contains, datatypeRange } from '../../../compiler/base/interval.ts';
import { mostTaps, openInterval } from '../layer.ts';
import type { Draft, OpenSourceLayer, Rule, Subject } from '../rule.ts';
import { bitsText, declareText, plural, rangeText, requiredBitsFor, sufficientWidth } from '../texts.ts';

/** These weights fit, but retrained ones of the same bits might not. */
export const datatypeCouldOverflow: Rule = {
  name: 'datatype-could-overflow',
  level: 'info',
  summary: 'These weights fit the accumulator, but others of the same bits would not.',
  check,
};

function check(subject: Subject): Draft[] {
  const { analysis } = subject;
  const { declared, datatype, exact, taps } = analysis;
  if (declared === null) return [];
  const limit = datatypeRange(declared.bits, declared.signed);
  if (!contains(limit, exact.interval) || contains(limit, datatype.interval)) return [];
  const { largestTaps } = datatype;
  const fewer =
    largestTaps === null || largestTaps === 0
      ? ''
      : `, or use at most ${plural(largestTaps, 'tap')} (now ${taps})`;
  return [
    {
      message:
        `these weights stay within ${rangeText(exact.interval)}, but others of the same bits could reach ` +
        `${rangeText(datatype.interval)}, past ${bitsText(declared)}`,
      hint: `to be safe for any weights ${declareText(subject, sufficientWidth(datatype.interval, declared))}${fewer}`,
      declare: { of: 'accumulator', width: sufficientWidth(datatype.interval, declared) },
      path: ['accumulator', 'bits'],
      interval: datatype.interval,
      requiredBits: requiredBitsFor(datatype.interval, declared),
    },
  ];
}

/** The same for a layer whose weights come from outside: no weights are known to fit. */
export function openLayerDraft(layer: OpenSourceLayer): Omit<Draft, 'path'> | null {
  const { declared, taps, missing } = layer;
  const interval = openInterval(layer);
  if (contains(datatypeRange(declared.bits, declared.signed), interval)) return null;
  const most = mostTaps(layer) ?? 0;
  const fewer = most === 0 ? '' : `, use at most ${plural(most, 'tap')} (now ${taps})`;
  return {
    message:
      `the weights are not in the model; with any weights of their type the sums could reach ` +
      `${rangeText(interval)}, past ${bitsText(declared)}`,
    hint: `bind ${missing.join(', ')} to have the real weights looked at${fewer}`,
    interval,
    requiredBits: requiredBitsFor(interval, declared),
  };
}
