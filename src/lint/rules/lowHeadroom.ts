import { contains, datatypeRange } from '../../../compiler/base/interval.ts';
import type { Draft, Rule, Subject } from '../rule.ts';
import { bitsText, declareText, plural, rangeText, requiredBitsFor } from '../texts.ts';

/** The accumulator fits, but with fewer bits to spare than asked for. Silent until some are asked for. */
export const lowHeadroom: Rule = {
  name: 'low-headroom',
  level: 'warning',
  summary: 'The accumulator fits with fewer bits to spare than asked for.',
  check,
};

function check(subject: Subject): Draft[] {
  const { analysis, options } = subject;
  const { declared, exact } = analysis;
  if (declared === null) return [];
  if (!contains(datatypeRange(declared.bits, declared.signed), exact.interval)) return [];
  const requiredBits = requiredBitsFor(exact.interval, declared);
  const headroom = declared.bits - requiredBits;
  if (headroom >= options.headroomBits) return [];
  const wanted = { ...declared, bits: requiredBits + options.headroomBits };
  return [
    {
      message:
        `${plural(headroom, 'bit')} of headroom, ${options.headroomBits} wanted: ${rangeText(exact.interval)} ` +
        `needs ${requiredBits} of ${bitsText(declared)}`,
      hint: `${declareText(subject, wanted)}, or lower the headroom wanted (cipherconv.config.json, --headroom)`,
      declare: { of: 'accumulator', width: wanted },
      path: ['accumulator', 'bits'],
      interval: exact.interval,
      requiredBits,
    },
  ];
}
