export { requiredBitsFor, sufficientWidth } from '../../compiler/accumulator/declaredWidth.ts';
import type { Interval, Width } from '../../compiler/base/interval.ts';
import type { Remedies } from '../../compiler/accumulator/remedies.ts';
import type { Subject } from './rule.ts';

/** Words that several findings share. */

export function bitsText(width: Width): string {
  return `${width.bits} ${width.signed ? 'signed' : 'unsigned'} bit${width.bits === 1 ? '' : 's'}`;
}

export function rangeText({ lo, hi }: Interval): string {
  return `[${lo}, ${hi}]`;
}

export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/**
 * How a width is given to the accumulator of a convolution: a config declares it, a model has nowhere to. The option holds
 * for every layer, so it is never less than another one needs.
 */
export function declareText(
  { declares, sharedBits }: Pick<Subject, 'declares' | 'sharedBits'>,
  width: Width,
): string {
  if (declares === 'in-file') return `declare ${bitsText(width)}`;
  const bits = Math.max(width.bits, sharedBits);
  return `pass --accumulator-bits ${bits}, where the accumulator has ${bitsText({ ...width, bits })}`;
}

/** "3", "3 and 5", "3, 5 and 7", "3, 5, 7 and 12 more". */
export function listText(channels: readonly number[]): string {
  const shown = channels.length <= 4 ? channels : channels.slice(0, 3);
  const rest = channels.length - shown.length;
  const last = rest > 0 ? `${rest} more` : String(shown.at(-1) ?? '');
  const before = rest > 0 ? shown : shown.slice(0, -1);
  return before.length === 0 ? last : `${before.join(', ')} and ${last}`;
}

/** The remedies in words, each of them enough by itself. `taps` and so on say what there is now. */
export function remedyTexts(
  { taps, weightBits, inputBits, norm, split }: Remedies,
  now: { readonly taps: number; readonly weightBits: number; readonly inputBits: number },
): string[] {
  const texts: string[] = [];
  if (taps !== null)
    texts.push(`use at most ${plural(taps, 'tap')} (now ${now.taps}), which fit whatever the weights`);
  if (weightBits !== null)
    texts.push(`drop the weights to ${plural(weightBits, 'bit')} (now ${now.weightBits})`);
  if (inputBits !== null) texts.push(`drop the inputs to ${plural(inputBits, 'bit')} (now ${now.inputBits})`);
  if (norm !== null)
    texts.push(`scale channel ${norm.channel} down to an L1 norm of ${norm.largest} (now ${norm.now})`);
  if (split !== null) texts.push(`split the input channels over ${split} convolutions`);
  return texts;
}
