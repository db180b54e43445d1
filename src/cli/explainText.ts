import type { Pass } from '../../compiler/lowering/passes.ts';
import { printable } from '../../compiler/base/printable.ts';
import type { StoredPlan } from '../frontend/planFile.ts';
import { explainSections } from './explainSections.ts';
import type { PlanReports } from './planReports.ts';
import { bold } from './terminal.ts';

/** What a person reads about a plan. */
export function explainPlan(stored: StoredPlan, reports: PlanReports): string {
  const body = explainSections(stored, reports).map(
    ([title, lines]) => `${bold(title)}\n${lines.map((line) => `  ${line}\n`).join('')}`,
  );
  return `${bold(printable(stored.plan.spec.name))}  digest ${stored.digest}\n\n${body.join('\n')}`;
}

/** What each pass of the compiler made, one line a pass. */
function passLines(passes: readonly Pass[]): string[] {
  return passes.map(({ name, lowering, made }) => {
    const title = lowering === null ? name : `${name} (${lowering})`;
    const facts = Object.entries(made).map(([key, value]) => `${key} ${value}`);
    return `${title.padEnd(24)}${facts.join(', ')}`;
  });
}

/** The section of `explain --passes`. */
export function explainPasses(passes: readonly Pass[]): string {
  return `\n${bold('Passes')}\n${passLines(passes)
    .map((line) => `  ${line}\n`)
    .join('')}`;
}
