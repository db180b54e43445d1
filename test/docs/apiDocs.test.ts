/** What `npm run docs:check` refuses: a public name or field without a sentence, and a type that is not exported. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, expectTypeOf, it } from 'vitest';
import type { z } from 'zod';
import type { filterConfigSchema, FilterConfigInput } from '../../src/frontend/schema.ts';
import type { LintConfigInput, settingsSchema } from '../../src/lint/settings.ts';

const root = join(import.meta.dirname, '..', '..');
let folder = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cipherconv-docs-'));
  const compilerOptions = { rootDir: folder, types: [] };
  const project = { extends: join(root, 'tsconfig.docs.json'), compilerOptions, files: ['index.ts'] };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(project));
  writeFileSync(join(folder, 'package.json'), '{ "name": "documented", "type": "module" }');
  const own = {
    tsconfig: './tsconfig.json',
    entryPoints: ['./index.ts'],
    intentionallyNotExported: [],
    // The API alone: no pages.
    readme: 'none',
    projectDocuments: [],
    plugin: [],
    router: 'kind',
  };
  writeFileSync(
    join(folder, 'typedoc.config.js'),
    `import config from ${JSON.stringify(pathToFileURL(join(root, 'typedoc.config.js')).href)};
export default { ...config, ...${JSON.stringify(own)} };`,
  );
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** The check, with the project's own settings, of a package that is this one file. */
function check(source: string): { status: number | null; said: string } {
  writeFileSync(join(folder, 'index.ts'), source);
  const typedoc = join(root, 'node_modules', 'typedoc', 'bin', 'typedoc');
  const { status, stdout, stderr } = spawnSync(process.execPath, [typedoc, '--emit', 'none'], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  });
  return { status, said: stdout + stderr };
}

const DOCUMENTED = `
/** A size. */
export interface Size {
  /** Rows. */
  readonly height: number;
}
/** Rows of a size. */
export function rowsOf(size: Size): number {
  return size.height;
}
`;

describe('docs:check', () => {
  it('takes a package in which every name and field has a sentence', () => {
    expect(check(DOCUMENTED)).toMatchObject({ status: 0 });
  });

  it('refuses names without a sentence and names every one', () => {
    const bare = DOCUMENTED.replaceAll(/^ *\/\*\*.*\n/gm, '');
    const { status, said } = check(`${bare}export type Rows = number;\nexport const ROWS = 3;\n`);
    expect(status).not.toBe(0);
    const named = [...said.matchAll(/(\S+) \((\w+)\), .* does not have any documentation/g)];
    expect(named.map(([, name, kind]) => `${kind} ${name}`).sort()).toEqual([
      'CallSignature rowsOf',
      'Interface Size',
      'Property Size.height',
      'TypeAlias Rows',
      'Variable ROWS',
    ]);
  });

  it('refuses a type of the API that is not exported and names it', () => {
    const { status, said } = check(DOCUMENTED.replace('export interface', 'interface'));
    expect(status).not.toBe(0);
    expect(said).toMatch(/Size, defined in .* is referenced by rowsOf/);
  });
});

describe('types that are written out beside their schema', () => {
  it('take nothing that the schema refuses', () => {
    expectTypeOf<FilterConfigInput>().toExtend<z.input<typeof filterConfigSchema>>();
    expectTypeOf<LintConfigInput>().toExtend<z.input<typeof settingsSchema>>();
  });

  it('have every key of the schema', () => {
    expectTypeOf<keyof z.input<typeof filterConfigSchema>>().toEqualTypeOf<keyof FilterConfigInput>();
    expectTypeOf<keyof z.input<typeof settingsSchema>>().toEqualTypeOf<keyof LintConfigInput>();
  });
});
