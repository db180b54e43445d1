import type { LintSource } from '../rule.ts';
import { plural } from '../texts.ts';

/**
 * A node of a model that cannot be compiled, so that nothing is said about its accumulator. Filter configs have none:
 * what their schema does not know is refused when they are read.
 */
export const unsupportedOperator = {
  name: 'unsupported-operator',
  level: 'warning',
  summary: 'A node of the model has an operator or attribute that cannot be compiled.',
} as const;

/** One message an operator and reason, however many nodes share it. */
export function unsupportedMessages({ unsupported }: LintSource): { layer: string; message: string }[] {
  const groups = new Map<string, { layer: string; count: number; reason: string; op: string }>();
  for (const { name, op, reason } of unsupported) {
    const key = JSON.stringify([op, reason]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { layer: name, count: 1, reason, op });
    else group.count++;
  }
  return [...groups.values()].map(({ layer, count, reason, op }) => ({
    layer,
    message: `${op}: ${reason}${count === 1 ? '' : ` (${plural(count, 'node')}, the first is named here)`}`,
  }));
}
