import { shortened } from '../../../compiler/base/printable.ts';
import type { Finding } from '../finding.ts';
import { ALL_RULES } from '../registry.ts';

/** A model's many findings that only inform, a line for each rule. */

/** Layers that a folded line names. */
const NAMED = 3;

/**
 * In models, where findings have no place, several of one rule at level info become one that counts them. What there is to
 * try stays where all of them say the same.
 */
export function foldInfos(findings: readonly Finding[]): readonly Finding[] {
  const groups = new Map<string, Finding[]>();
  for (const finding of findings) {
    if (!isFoldable(finding)) continue;
    const key = keyOf(finding);
    groups.set(key, [...(groups.get(key) ?? []), finding]);
  }
  return findings.flatMap((finding) => {
    const group = isFoldable(finding) ? (groups.get(keyOf(finding)) ?? []) : [];
    if (group.length < 2) return [finding];
    return group[0] === finding ? [folded(finding, group)] : [];
  });
}

function isFoldable({ level, line, layer }: Finding): boolean {
  return level === 'info' && line === null && layer !== null;
}

function keyOf({ file, rule }: Finding): string {
  return JSON.stringify([file, rule]);
}

function folded(first: Finding, group: readonly Finding[]): Finding {
  const names = group.slice(0, NAMED).map(({ layer }) => shortened(layer ?? ''));
  const more = group.length > NAMED ? ` and ${group.length - NAMED} more` : '';
  const summary = ALL_RULES.find(({ name }) => name === first.rule)?.summary.replace(/\.$/, '') ?? first.rule;
  const hint = group.every((finding) => finding.hint === first.hint) ? first.hint : null;
  const message = `${summary}: ${group.length} layers, ${names.join(', ')}${more} (--verbose shows each)`;
  return { ...first, layer: null, message, hint };
}
