import { contains, datatypeRange } from '../../compiler/interval.ts';
import { requiredBitsAs } from './analyze.ts';
import type { Finding } from './finding.ts';
import type { Subject } from './subject.ts';
import { couldOverflowHint, couldOverflowMessage } from './texts.ts';

/** Rule datatype-could-overflow: these weights fit, but retrained ones of the same bits might not. */
export function datatypeCouldOverflow({ config, analysis }: Subject): Finding[] {
  const { declared, datatype, exact } = analysis;
  if (declared === null) return [];
  const limit = datatypeRange(declared.bits, declared.signed);
  if (!contains(limit, exact.interval) || contains(limit, datatype.interval)) return [];
  const position = config.locate(['accumulator', 'bits']);
  const requiredBits =
    requiredBitsAs(datatype.interval, declared.signed) ?? requiredBitsAs(datatype.interval, true);
  return [
    {
      rule: 'datatype-could-overflow',
      level: 'info',
      file: config.file,
      line: position?.line ?? 1,
      column: position?.column ?? 1,
      layer: config.spec.name,
      message: couldOverflowMessage(analysis, declared),
      interval: [datatype.interval.lo, datatype.interval.hi],
      requiredBits,
      declaredBits: declared.bits,
      headroom: requiredBits === null ? null : declared.bits - requiredBits,
      witness: null,
      hint: couldOverflowHint(analysis, declared),
    },
  ];
}
