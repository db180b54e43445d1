import { VERSION } from '../../version.ts';
import type { Finding, Level, LintReport } from '../finding.ts';
import { ALL_RULES } from '../registry.ts';
import type { RuleFacts } from '../registry.ts';
import { rulePage } from '../rulePages.ts';
import { relativePath } from './github.ts';

/** SARIF 2.1.0 (OASIS), for code scanning. Written by hand: what the linter has to say needs little of the format. */

const SCHEMA = 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json';

const LEVELS: Readonly<Record<Level, 'error' | 'warning' | 'note'>> = {
  error: 'error',
  warning: 'warning',
  info: 'note',
};

export function sarifReport({ findings }: LintReport): string {
  const log = {
    $schema: SCHEMA,
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: { name: 'cipherconv', semanticVersion: VERSION, rules: ALL_RULES.map(descriptorOf) },
        },
        columnKind: 'utf16CodeUnits',
        invocations: [{ executionSuccessful: !findings.some(({ rule }) => rule === 'unreadable') }],
        results: findings.map(resultOf),
      },
    ],
  };
  return `${JSON.stringify(log, null, 2)}\n`;
}

function descriptorOf({ name, level, summary }: RuleFacts): object {
  return {
    id: name,
    shortDescription: { text: summary },
    helpUri: rulePage(name),
    help: {
      text: `${summary} What to do about it: ${rulePage(name)}, or docs/rules/${name}.md in the package.`,
    },
    defaultConfiguration: { level: LEVELS[level] },
  };
}

function resultOf(finding: Finding): object {
  const { interval, requiredBits, declaredBits, headroom, witness } = finding;
  return {
    ruleId: finding.rule,
    ruleIndex: ALL_RULES.findIndex(({ name }) => name === finding.rule),
    level: LEVELS[finding.level],
    message: { text: finding.hint === null ? finding.message : `${finding.message}. Try: ${finding.hint}.` },
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: uriOf(finding.file) },
          ...(finding.line === null
            ? {}
            : { region: { startLine: finding.line, startColumn: finding.column ?? 1 } }),
        },
        ...(finding.layer === null ? {} : { logicalLocations: [{ name: finding.layer }] }),
      },
    ],
    properties: { interval, requiredBits, declaredBits, headroom, witness },
  };
}

function uriOf(file: string): string {
  return relativePath(file).split('/').map(encodeURIComponent).join('/');
}
