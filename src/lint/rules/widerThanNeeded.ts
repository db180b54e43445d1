import { contains, datatypeRange } from '../../../compiler/base/interval.ts';
import type { Draft, Rule, Subject } from '../rule.ts';
import { bitsText, declareText, plural, rangeText, requiredBitsFor } from '../texts.ts';

/** More bits are declared than the exact range and the headroom asked for need. */
export const widerThanNeeded: Rule = {
  name: 'wider-than-needed',
  level: 'info',
  summary: 'The declared accumulator is wider than these weights need.',
  check,
};

function check(subject: Subject): Draft[] {
  const { analysis, options, sharedBits } = subject;
  const { declared, exact } = analysis;
  if (declared === null) return [];
  if (!contains(datatypeRange(declared.bits, declared.signed), exact.interval)) return [];
  const requiredBits = requiredBitsFor(exact.interval, declared);
  const enough = Math.max(1, requiredBits + options.headroomBits);
  if (declared.bits <= Math.max(enough, sharedBits)) return [];
  const spare = declared.bits - enough;
  const headroom =
    options.headroomBits === 0 ? '' : ` with ${plural(options.headroomBits, 'bit')} of headroom`;
  return [
    {
      message:
        `${bitsText(declared)} are ${plural(spare, 'bit')} more than ${rangeText(exact.interval)} ` +
        `needs${headroom}`,
      hint: declareText(subject, { ...declared, bits: enough }),
      declare: { of: 'accumulator', width: { ...declared, bits: enough } },
      path: ['accumulator', 'bits'],
      interval: exact.interval,
      requiredBits,
    },
  ];
}
