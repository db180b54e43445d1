import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LocatedError } from '../../src/frontend/positions.ts';
import { lint } from '../../src/lint/lint.ts';
import { lintConfigJsonSchema, parseRuleLevel, parseSettings } from '../../src/lint/settings.ts';
import { temporaryFolder } from '../cli/spawnCli.ts';
import { config, refusal } from '../frontend/fixtures.ts';

const read = (value: unknown) => parseSettings(JSON.stringify(value), 'cipherconv.config.json');

describe('cipherconv.config.json', () => {
  it('chooses levels and headroom, and keeps the rest', () => {
    const settings = read({ rules: { 'dead-channel': 'off', 'low-headroom': { bits: 2 } } });
    expect(settings.headroomBits).toBe(2);
    expect(settings.levels).toMatchObject({
      'dead-channel': 'off',
      'low-headroom': 'warning',
      'accumulator-overflow': 'error',
    });
    expect(read({ rules: { 'low-headroom': 'error' } })).toMatchObject({ headroomBits: 0 });
    expect(read({})).toMatchObject({ levels: { 'wider-than-needed': 'info' } });
  });

  it.each<[value: object, ...parts: string[]]>([
    [{ rules: { 'dead-chanel': 'off' } }, 'unknown key "dead-chanel"', 'did you mean "dead-channel"?'],
    [{ rule: {} }, 'unknown key "rule"', 'did you mean "rules"?'],
    [{ rules: { 'dead-channel': 'silent' } }, 'rules.dead-channel', '"error" or "warning"'],
    [{ rules: { 'low-headroom': { bits: -1 } } }, 'rules.low-headroom.bits', 'at least 0'],
    [{ rules: { unreadable: 'silent' } }, 'rules.unreadable'],
  ])('refuses %j', (value, ...parts) => {
    const error = refusal(() => read(value), 'malformed-config', ...parts);
    expect(error).toBeInstanceOf(LocatedError);
  });

  it('has a JSON Schema with every rule', () => {
    expect(JSON.stringify(lintConfigJsonSchema())).toContain('accumulator-overflow');
  });

  const root = temporaryFolder();

  it('is read from the nearest folder above each file; the command line wins', async () => {
    const put = (path: string, value: unknown): string => {
      mkdirSync(join(root, path, '..'), { recursive: true });
      writeFileSync(join(root, path), JSON.stringify(value));
      return join(root, path);
    };
    const zero = config({ weights: { shape: [1, 1, 1, 1], bits: 1, values: [0] } });
    put('cipherconv.config.json', { rules: { 'dead-channel': 'error' } });
    put('near/cipherconv.config.json', { rules: { 'dead-channel': 'info' } });
    const files = [put('a.conv.json', zero), put('near/deep/b.conv.json', zero)];
    const levels = async (options = {}): Promise<string[]> =>
      (await lint(files, options)).findings.map(({ level }) => level);
    expect(await levels()).toEqual(['error', 'info']);
    expect(await levels({ config: join(root, 'cipherconv.config.json') })).toEqual(['error', 'error']);
    expect(await levels({ rules: { 'dead-channel': 'warning' } })).toEqual(['warning', 'warning']);
    expect(await levels({ rules: { 'dead-channel': 'off' } })).toEqual([]);
    put('near/cipherconv.config.json', { rules: 3 });
    const broken = (await lint(files)).findings;
    expect(broken.map(({ rule, level }) => [rule, level])).toEqual([
      ['dead-channel', 'error'],
      ['unreadable', 'error'],
      ['dead-channel', 'warning'],
    ]);
    expect(broken[1]).toMatchObject({ line: 1, file: expect.stringContaining('cipherconv.config.json') });
  });
});

describe('--rule', () => {
  it('reads name=level', () => {
    expect(parseRuleLevel('dead-channel=off')).toEqual(['dead-channel', 'off']);
    refusal(() => parseRuleLevel('dead-chanel=off'), 'usage', 'no such rule', 'did you mean "dead-channel"?');
    refusal(() => parseRuleLevel('dead-channel=loud'), 'usage', 'no such level');
    refusal(() => parseRuleLevel('dead-channel=off=on'), 'usage');
    refusal(() => parseRuleLevel('dead-channel'), 'usage');
  });
});
