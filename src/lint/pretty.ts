import { displayName } from '../frontend/files.ts';
import type { Finding, Level, LintReport } from './finding.ts';

/** How levels are coloured; the identity where there is no colour. */
export type Paint = (level: Level | 'file', text: string) => string;

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

function findingLines(finding: Finding, paint: Paint): string[] {
  const place = finding.line === null ? '-' : `${finding.line}:${finding.column ?? 1}`;
  const head = `  ${place.padEnd(7)} ${paint(finding.level, finding.level.padEnd(7))} ${finding.message}  (${finding.rule})`;
  return finding.hint === null ? [head] : [head, `${' '.repeat(18)}try: ${finding.hint}`];
}

/** Findings grouped by file, then one line that counts them. Ends with a line break. */
export function pretty({ findings, layers }: LintReport, paint: Paint): string {
  const files = [...new Set(findings.map(({ file }) => file))];
  const groups = files.map((file) => {
    const lines = findings
      .filter((finding) => finding.file === file)
      .flatMap((finding) => findingLines(finding, paint));
    return `${paint('file', displayName(file))}\n${lines.join('\n')}\n\n`;
  });
  const count = (level: Level): number => findings.filter((finding) => finding.level === level).length;
  const summary = `${plural(count('error'), 'error')}, ${plural(count('warning'), 'warning')}, ${count('info')} info`;
  return `${groups.join('')}${plural(layers.length, 'convolution')} analysed: ${summary}\n`;
}
