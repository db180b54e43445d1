import type { Rule } from './rule.ts';
import { accumulatorOverflow } from './rules/accumulatorOverflow.ts';
import { beyondBfv } from './rules/beyondBfv.ts';
import { biasOutOfRange } from './rules/biasOutOfRange.ts';
import { datatypeCouldOverflow } from './rules/datatypeCouldOverflow.ts';
import { deadChannel } from './rules/deadChannel.ts';
import { lowHeadroom } from './rules/lowHeadroom.ts';
import { unsupportedOperator } from './rules/unsupportedOperator.ts';
import { unusedWeightBits } from './rules/unusedWeightBits.ts';
import { widerThanNeeded } from './rules/widerThanNeeded.ts';

/** Rules that look at one convolution, in the order of their findings. */
export const LAYER_RULES: readonly Rule[] = [
  accumulatorOverflow,
  biasOutOfRange,
  beyondBfv,
  lowHeadroom,
  deadChannel,
  datatypeCouldOverflow,
  widerThanNeeded,
  unusedWeightBits,
];

/** What every rule says of itself. */
export type RuleFacts = Pick<Rule, 'name' | 'level' | 'summary'>;

/** A file or folder that ends the matter for itself; the others are linted all the same. */
export const unreadableFile: RuleFacts = {
  name: 'unreadable',
  level: 'error',
  summary: 'A file cannot be read, or is not what it should be.',
};

/** All rules, in the order of their pages. */
export const ALL_RULES: readonly RuleFacts[] = [...LAYER_RULES, unsupportedOperator, unreadableFile];
