/**
 * docs/config.md and docs/cli.md say what the program says: they are made here, from the JSON schemas and from the help of
 * every command. UPDATE_DOCS=1 writes them.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cipherconv, ROOT } from '../cli/spawnCli.ts';
import { commandPage, namesOf } from './commandPage.ts';
import { fieldsOf, schemaPage } from './schemaPage.ts';

/** The formatter pads columns. */
const plain = (markdown: string): string => markdown.replaceAll(/ +/g, ' ').replaceAll(/-{3,}/g, '---');

function expectPage(name: string, text: string): void {
  const path = join(ROOT, 'docs', name);
  if (process.env['UPDATE_DOCS'] === '1') writeFileSync(path, text);
  expect(plain(readFileSync(path, 'utf8'))).toBe(plain(text));
}

const printed = (args: readonly string[]): string => {
  const { code, stdout, stderr } = cipherconv(args);
  expect(code, stderr).toBe(0);
  return stdout;
};

describe('docs/config.md', () => {
  const schemas = ['config', 'architecture', 'lint'].map((kind) => ({
    kind,
    schema: JSON.parse(printed(['schema', kind])) as object,
  }));

  it('is what `cipherconv schema` says', () => {
    expectPage('config.md', schemaPage(schemas));
  });

  it('has a sentence for every field', () => {
    const fields = schemas.flatMap(({ schema }) => fieldsOf(schema));
    expect(fields.length).toBeGreaterThan(40);
    expect(fields.filter(({ description }) => description === '').map(({ path }) => path)).toEqual([]);
  });
});

describe('docs/cli.md', () => {
  it('is what the help of every command says', () => {
    const text = commandPage((command) => printed([...command, '--help']));
    expectPage('cli.md', text);
  });

  it('names every command that the program has', () => {
    const names = namesOf(printed(['--help']));
    expect(names.length).toBeGreaterThan(15);
    const page = readFileSync(join(ROOT, 'docs', 'cli.md'), 'utf8');
    expect(names.filter((name) => !page.includes(`\n## ${name}\n`))).toEqual([]);
  });
});
