import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import Ajv from 'ajv';
import { describe, expect, it } from 'vitest';
import type { Finding, LintReport } from '../../src/lint/finding.ts';
import { lintSource } from '../../src/lint/lintSource.ts';
import { githubReport } from '../../src/lint/reporters/github.ts';
import { jsonReport } from '../../src/lint/reporters/json.ts';
import { fullness, prettyReport } from '../../src/lint/reporters/pretty.ts';
import { sarifReport } from '../../src/lint/reporters/sarif.ts';
import { alignColumns, bar, sparkline } from '../../src/lint/reporters/table.ts';
import { sourceOf } from '../../src/lint/lintSources.ts';
import { VERSION } from '../../src/version.ts';
import { config, parse } from '../frontend/fixtures.ts';

const require = createRequire(import.meta.url);

/** The schema of SARIF 2.1.0 as Microsoft's SARIF SDK ships it (draft-04). */
function sarifSchema(): object {
  const path = require.resolve('@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json');
  return JSON.parse(readFileSync(path, 'utf8')) as object;
}

const unreadable: Finding = {
  rule: 'unreadable',
  level: 'error',
  file: 'sub dir/100%,a:b.conv.json',
  line: null,
  column: null,
  layer: null,
  message: 'not valid JSON: a\nb',
  interval: null,
  requiredBits: null,
  declaredBits: null,
  headroom: null,
  witness: null,
  hint: null,
};

function report(): LintReport {
  const linted = lintSource(sourceOf(parse(config({ accumulator: { bits: 3 } }))));
  const fits = lintSource(sourceOf(parse(config({ name: 'fits', accumulator: { bits: 9, signed: true } }))));
  return {
    findings: [...linted.findings, ...fits.findings, unreadable],
    layers: [...linted.layers, ...fits.layers],
  };
}

it('columns stay beside each other whatever the names of layers are', () => {
  const long = `first/${'x'.repeat(500)}/last`;
  const [head = '', row = ''] = alignColumns(
    [
      ['layer', 'taps', 'note'],
      [long, '9', long],
    ],
    ['left', 'right', 'left'],
  );
  expect(head.indexOf('taps')).toBe(74);
  expect(row).toMatch(/^first\/x+\.\.\.x+\/last +9 +first/);
  expect(row.endsWith(long)).toBe(true);
});

describe('sarif', () => {
  const ajv = new Ajv({ schemaId: 'id', meta: false, allErrors: true });
  ajv.addMetaSchema(require('ajv/lib/refs/json-schema-draft-04.json') as object);
  const validate = ajv.compile(sarifSchema());

  it('is valid against the SARIF 2.1.0 schema, with and without findings', () => {
    for (const some of [report(), { findings: [], layers: [] }]) {
      expect(validate(JSON.parse(sarifReport(some))), JSON.stringify(validate.errors)).toBe(true);
    }
    expect(validate({ version: '2.1.0', runs: [{}] })).toBe(false);
  });

  it('leads from every rule to its page, which the package ships', () => {
    const { runs } = JSON.parse(sarifReport(report()));
    const { files } = JSON.parse(readFileSync('package.json', 'utf8')) as {
      readonly files: readonly string[];
    };
    expect(files).toContain('docs');
    const { rules } = runs[0].tool.driver;
    expect(rules.length).toBeGreaterThan(8);
    for (const { id, helpUri, help, shortDescription } of rules) {
      const prefix = `https://unpkg.com/cipherconv@${VERSION}/`;
      expect(helpUri).toBe(`${prefix}docs/rules/${id}.md`);
      expect(readFileSync(helpUri.slice(prefix.length), 'utf8')).toMatch(`# ${id}`);
      expect(help.text).toContain(shortDescription.text);
      expect(help.text).toContain(helpUri);
    }
  });

  it('places every result, with the rule that it belongs to', () => {
    const { runs } = JSON.parse(sarifReport(report()));
    const [run] = runs;
    expect(run.invocations).toEqual([{ executionSuccessful: false }]);
    expect(run.results).toHaveLength(report().findings.length);
    for (const result of run.results) {
      expect(run.tool.driver.rules[result.ruleIndex].id).toBe(result.ruleId);
    }
    expect(run.results[0]).toMatchObject({
      ruleId: 'accumulator-overflow',
      level: 'error',
      locations: [{ physicalLocation: { region: { startLine: 1 } }, logicalLocations: [{ name: 'test' }] }],
    });
    const last = run.results.at(-1).locations[0].physicalLocation;
    expect(last).toEqual({ artifactLocation: { uri: 'sub%20dir/100%25%2Ca%3Ab.conv.json' } });
  });
});

describe('github', () => {
  it('writes one escaped command a finding', () => {
    const lines = githubReport(report()).trimEnd().split('\n');
    expect(lines).toHaveLength(report().findings.length);
    expect(lines[0]).toMatch(
      /^::error file=test\.conv\.json,line=1,col=\d+,title=cipherconv accumulator-overflow::output channel 0 .*%0Atry: declare/,
    );
    expect(lines).toContainEqual(expect.stringMatching(/^::notice .*wider-than-needed/));
    expect(lines.at(-1)).toBe(
      '::error file=sub dir/100%25%2Ca%3Ab.conv.json,title=cipherconv unreadable::not valid JSON: a%0Ab',
    );
  });
});

describe('json', () => {
  it('has exactly the fields of the contract', () => {
    const { findings, layers } = JSON.parse(jsonReport(report()));
    const finding = [
      'rule',
      'level',
      'file',
      'line',
      'column',
      'layer',
      'message',
      'interval',
      'requiredBits',
      'declaredBits',
      'headroom',
      'witness',
      'hint',
    ];
    for (const one of findings) expect(Object.keys(one)).toEqual(finding);
    const layer = ['name', 'op', 'taps', 'interval', 'requiredBits', 'declaredBits', 'tiers'];
    for (const one of layers) {
      expect(Object.keys(one)).toEqual(layer);
      expect(Object.keys(one.tiers)).toEqual(['datatype', 'l1', 'exact', 'calibrated', 'probabilistic']);
      expect([one.tiers.datatype.kind, one.tiers.l1.kind, one.tiers.exact.kind]).toEqual([
        'proof',
        'proof',
        'proof',
      ]);
      expect(one.tiers.probabilistic.kind).toBe('estimate');
      expect(one.tiers.calibrated).toBeNull();
      expect(one.tiers.exact.channels).toEqual([one.interval]);
    }
  });
});

describe('pretty', () => {
  const plain = (some: LintReport, channels = false): string =>
    prettyReport(some, (_, text) => text, { channels, infos: 'folded' });

  it('shows findings, bars and what is only estimated', () => {
    const text = plain(report());
    expect(text).toContain('try: declare 5 unsigned bits\n');
    expect(text).toMatch(/test +4 +6 +6 +5 +3u {2}█{20} +258% {2}\[0, 18\]/);
    expect(text).toMatch(/fits +4 +6 +6 +5 +9s {2}█░{19} +7% {2}\[0, 18\]/);
    expect(text).toMatch(
      /estimate: P\(overflow\) of one output 2\^-\d\.\d = 0\.\d+ for independent uniform inputs/,
    );
    expect(text).toContain('2 convolutions analysed: 2 errors, 0 warnings, 1 info\n');
    expect(plain(report(), true)).toMatch(/ {2}channel 0 +5 +█{20} +258%/);
  });

  it('shows what could steer a terminal as an escape', () => {
    const linted = lintSource(sourceOf(parse(config({ name: 'x\u001b[2J' }))));
    expect(plain(linted)).not.toContain('\u001b');
    const message = 'a\u001b[31mb';
    const marked = {
      ...linted,
      findings: report().findings.map((finding) => ({ ...finding, message, hint: message })),
    };
    expect(githubReport(marked)).toContain('a\\u{1b}[31mb');
    expect(githubReport(marked)).not.toContain('\u001b');
  });

  it('fills bars on the fuller side, and is 100% only when all is used', () => {
    expect(fullness([-64, 63], [-64, 63])).toBe(1);
    expect(fullness([-65, 0], [-64, 63])).toBeGreaterThan(1);
    expect(fullness([0, 0], [0, 127])).toBe(0);
    expect(fullness([-1, 0], [0, 127])).toBe(Infinity);
    expect([bar(0), bar(0.001), bar(1), bar(9)].map((text) => text.lastIndexOf('█') + 1)).toEqual([
      0, 1, 20, 20,
    ]);
    expect(sparkline([0, 1, 8])).toBe(' ▁█');
  });
});
