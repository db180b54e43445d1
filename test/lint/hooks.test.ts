import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../cli/spawnCli.ts';

/** Values of a flat YAML list of one entry, as texts. */
function fieldsOf(yaml: string): ReadonlyMap<string, string> {
  const lines = yaml.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const [, key = line, value = ''] = /^(?:- | {2})([a-z_]+): (.*)$/.exec(line) ?? [];
      return [key, value.replace(/^'(.*)'$/, '$1')];
    }),
  );
}

describe('the hook for pre-commit', () => {
  const fields = fieldsOf(readFileSync(join(ROOT, '.pre-commit-hooks.yaml'), 'utf8'));

  it('has what pre-commit asks for, and nothing that it does not know', () => {
    expect([...fields.keys()]).toEqual([
      ...['id', 'name', 'description', 'entry', 'language', 'files', 'types', 'require_serial'],
    ]);
    const { bin } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { bin: object };
    expect([fields.get('language'), fields.get('entry')]).toEqual(['node', `${Object.keys(bin)[0]} lint`]);
  });

  it('runs on what the linter takes', () => {
    const files = new RegExp(fields.get('files') ?? '');
    const names = ['a.conv.json', 'b/c.onnx', 'd.tflite', 'package.json', 'onnx.txt', 'conv.json.bak'];
    expect(names.filter((name) => files.test(name))).toEqual(['a.conv.json', 'b/c.onnx', 'd.tflite']);
  });
});

describe('the workflow for code scanning', () => {
  const text = readFileSync(join(ROOT, 'docs', 'code-scanning.yml'), 'utf8');
  const steps = text.slice(text.indexOf('steps:')).split(/\n {6}- /);
  const step = (part: string): string => steps.find((each) => each.includes(part)) ?? '';

  it('uploads when there are findings, is allowed to, and fails in the end', () => {
    expect(text).toMatch(/^permissions:\n {2}contents: read\n(?: +#.*\n)* {2}security-events: write$/m);
    expect(step('--format sarif')).toMatch(
      /^id: lint\n[^]*continue-on-error: true\n[^]*> cipherconv\.sarif$/,
    );
    expect(step('upload-sarif')).toContain('sarif_file: cipherconv.sarif');
    expect(steps.at(-1)).toMatch(/^if: steps\.lint\.outcome == 'failure'\n +run: npx cipherconv lint\n$/);
  });
});
