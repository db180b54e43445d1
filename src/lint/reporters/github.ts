import { relative } from 'node:path';
import { printableLines } from '../../../compiler/base/printable.ts';
import type { Finding, Level, LintReport } from '../finding.ts';

/** GitHub's workflow commands: one `::error file=...::message` line a finding, which it shows beside the changed lines. */

const COMMANDS: Readonly<Record<Level, string>> = { error: 'error', warning: 'warning', info: 'notice' };

export function githubReport({ findings }: LintReport): string {
  return findings.map((finding) => `${annotation(finding)}\n`).join('');
}

function annotation(finding: Finding): string {
  const properties = [
    ['file', relativePath(finding.file)],
    ['line', finding.line],
    ['col', finding.column],
    ['title', `cipherconv ${finding.rule}`],
  ] as const;
  const written = properties.flatMap(([key, value]) =>
    value === null ? [] : [`${key}=${escapeProperty(String(value))}`],
  );
  const text = printableLines(finding.message);
  const message = finding.hint === null ? text : `${text}\ntry: ${printableLines(finding.hint)}`;
  return `::${COMMANDS[finding.level]} ${written.join(',')}::${escapeData(message)}`;
}

/** From the current folder, with slashes, as GitHub and SARIF name files. */
export function relativePath(file: string): string {
  return relative('.', file).replaceAll('\\', '/');
}

/** As @actions/core escapes what follows `::`. */
function escapeData(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
