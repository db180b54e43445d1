import { datatypeRange } from '../../compiler/interval.ts';
import type { Interval, Width } from '../../compiler/interval.ts';
import { requiredBitsAs } from './analyze.ts';
import type { Analysis } from './analyze.ts';

/** Everything that findings say, in one place. */

function bitsText(width: Width): string {
  return `${width.bits} ${width.signed ? 'signed' : 'unsigned'} bit${width.bits === 1 ? '' : 's'}`;
}

function rangeText({ lo, hi }: Interval): string {
  return `[${lo}, ${hi}]`;
}

/** What to declare so that `interval` fits: the same signedness if that can be, signed otherwise. */
function sufficientWidth(interval: Interval, declared: Width): Width {
  const bits = requiredBitsAs(interval, declared.signed);
  return bits === null
    ? { bits: requiredBitsAs(interval, true) ?? 0, signed: true }
    : { bits, signed: declared.signed };
}

export function overflowMessage(channel: number, interval: Interval, declared: Width): string {
  const limit = datatypeRange(declared.bits, declared.signed);
  return (
    `output channel ${channel} reaches ${rangeText(interval)}, ` +
    `but ${bitsText(declared)} hold only ${rangeText(limit)}`
  );
}

export function overflowHint(analysis: Analysis, declared: Width): string {
  const needed = sufficientWidth(analysis.exact.interval, declared);
  return `declare ${bitsText(needed)}${tapsAdvice(analysis)}`;
}

export function couldOverflowMessage(analysis: Analysis, declared: Width): string {
  return (
    `these weights stay within ${rangeText(analysis.exact.interval)}, but others of the same bits could reach ` +
    `${rangeText(analysis.datatype.interval)}, past ${bitsText(declared)}`
  );
}

export function couldOverflowHint(analysis: Analysis, declared: Width): string {
  const needed = sufficientWidth(analysis.datatype.interval, declared);
  return `to be safe for any weights declare ${bitsText(needed)}${tapsAdvice(analysis)}`;
}

function tapsAdvice({ datatype, taps }: Analysis): string {
  const { largestTaps } = datatype;
  if (largestTaps === null || largestTaps === 0) return '';
  const few = `at most ${largestTaps} tap${largestTaps === 1 ? '' : 's'}`;
  return `, or use ${few} (this filter has ${taps}): that many fit whatever the weights`;
}

export const BEYOND_BFV_HINT = 'use fewer bits, or split the input channels over several convolutions';
