import type { Draft, Rule, Subject } from '../rule.ts';
import { listText } from '../texts.ts';

/** Output channels that do not depend on the input: work for nothing. One finding a layer. */
export const deadChannel: Rule = {
  name: 'dead-channel',
  level: 'warning',
  summary: 'An output channel is constant: its filter is all zero, or no input reaches it.',
  check,
};

function check({ analysis, weightPath }: Subject): Draft[] {
  const { exact, l1 } = analysis;
  const dead = exact.channels.flatMap(({ lo, hi }, channel) => (lo === hi ? [channel] : []));
  const [first] = dead;
  if (first === undefined) return [];
  const areZero = dead.every((channel) => l1.norms[channel] === 0);
  const why = areZero ? 'all weights equal the zero point' : 'no input changes the sum';
  const many = dead.length > 1;
  return [
    {
      message: `output channel${many ? 's' : ''} ${listText(dead)} ${many ? 'are' : 'is'} constant: ${why}`,
      hint: `remove the channel${many ? 's' : ''} and fold the constant into what follows`,
      path: weightPath(first),
      interval: exact.channels[first]!,
    },
  ];
}
