import { contains, datatypeRange } from '../../compiler/interval.ts';
import type { Interval } from '../../compiler/interval.ts';
import { requiredBitsAs } from './analyze.ts';
import type { Finding } from './finding.ts';
import type { Subject } from './subject.ts';
import { overflowHint, overflowMessage } from './texts.ts';
import { witnessOf } from './witness.ts';

/** Rule accumulator-overflow: the exact range of some output channel leaves the declared width. One finding a layer. */
export function accumulatorOverflow({ config, analysis }: Subject): Finding[] {
  const { declared, accumulator } = analysis;
  if (declared === null) return [];
  const limit = datatypeRange(declared.bits, declared.signed);
  if (contains(limit, accumulator.interval)) return [];
  const excess = ({ lo, hi }: Interval): number => Math.max(hi - limit.hi, limit.lo - lo);
  const worst = accumulator.channels.reduce(
    (most, { interval }, channel, all) => (excess(interval) > excess(all[most]!.interval) ? channel : most),
    0,
  );
  const { interval } = accumulator.channels[worst]!;
  const end = interval.hi - limit.hi >= limit.lo - interval.lo ? 'high' : 'low';
  const position = config.locate(['accumulator', 'bits']);
  const requiredBits = requiredBitsAs(interval, declared.signed) ?? requiredBitsAs(interval, true);
  return [
    {
      rule: 'accumulator-overflow',
      level: 'error',
      file: config.file,
      line: position?.line ?? 1,
      column: position?.column ?? 1,
      layer: config.spec.name,
      message: overflowMessage(worst, interval, declared),
      interval: [interval.lo, interval.hi],
      requiredBits,
      declaredBits: declared.bits,
      headroom: requiredBits === null ? null : declared.bits - requiredBits,
      witness: witnessOf(config.spec, accumulator, worst, end),
      hint: overflowHint(analysis, declared),
    },
  ];
}
