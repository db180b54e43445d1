/** Every code block of the documentation runs here, or is marked as an example with its reason. */
import { spawnSync } from 'node:child_process';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseFilterConfig } from '../../src/index.ts';
import { parseSettings } from '../../src/lint/settings.ts';
import { ROOT, temporaryFolder } from '../cli/spawnCli.ts';
import { chunksOf, PAGES, typedLines } from '../support/markdown.ts';
import type { Chunk } from '../support/markdown.ts';
import { missingLine, prepare, runLine, runServer, withoutPort } from '../docs/sandbox.ts';
import { SURROUNDINGS } from '../docs/surroundings.ts';
import { prepareTutorial } from '../docs/tutorialFiles.ts';

const blocks = PAGES.flatMap(chunksOf).filter(({ language }) => language !== null);
const SCRIPTS = globSync('examples/*/*.ts', { cwd: ROOT });

/** Splits a session into what is typed and what is printed after it. */
function sessionOf({ text }: Chunk): { typed: string; shown: string[] }[] {
  const session: { typed: string; shown: string[] }[] = [];
  for (const line of text.split('\n')) {
    const last = session.at(-1);
    if (line.startsWith('$ ')) session.push({ typed: line.slice(2).replace(/\s+# .*$/, ''), shown: [] });
    else if (last === undefined) throw new Error(`a session begins with "$ ", not with: ${line}`);
    else last.shown.push(line);
  }
  return session;
}

async function runSession(folder: string, block: Chunk): Promise<void> {
  for (const { typed, shown } of sessionOf(block)) {
    if (typed.startsWith('npx cipherconv serve ')) {
      const { code, lines } = await runServer(folder, typed);
      expect(missingLine(shown.map(withoutPort), lines), lines.join('\n')).toBeNull();
      expect(code, lines.join('\n')).toBe(0);
      continue;
    }
    const { code, lines } = runLine(folder, typed);
    expect(missingLine(shown, lines), `${typed} prints\n${lines.join('\n')}`).toBeNull();
    const refuses = shown.some((line) => line.startsWith('error:') || /^ +\d+:\d+ +error /.test(line));
    expect(code, lines.join('\n')).toBe(refuses ? 1 : 0);
  }
}

function runCommands(folder: string, block: Chunk): void {
  for (const line of typedLines(block)) {
    const [, script] = /^npx node (\S+)/.exec(line) ?? [];
    if (script !== undefined) {
      // examples.test.ts runs them all; twice would be once too often.
      expect(SCRIPTS).toContain(script);
      continue;
    }
    const { code, lines } = runLine(folder, line);
    // lint ends with 1 for findings, and the folder has some.
    expect(code, `${line}\n${lines.join('\n')}`).toBeLessThanOrEqual(
      /\bcipherconv (-- )?lint\b/.test(line) ? 1 : 0,
    );
  }
}

/** Runs a program against the source, in what surroundings.ts puts around it. */
function runProgram(folder: string, { page, text }: Chunk): void {
  const surroundings = SURROUNDINGS.find(({ page: of, has }) => of === page && text.includes(has));
  const { before = '', after = '', replace = [] } = surroundings ?? {};
  let program = text.replaceAll(/from 'cipherconv(?:\/(\w+))?'/g, (_, entry?: string) => {
    const file = join(ROOT, 'src', entry ?? '', 'index.ts');
    return `from '${pathToFileURL(file).href}'`;
  });
  program = program.replaceAll(
    /from '(@\w+\/\w+)'/g,
    (_, name: string) => `from '${import.meta.resolve(name)}'`,
  );
  for (const [from, to] of replace) program = program.replaceAll(from, to);
  const file = join(folder, `program.mts`);
  writeFileSync(file, [before, program, after].join('\n'));
  const { status, stderr } = spawnSync(process.execPath, [file], { cwd: folder, encoding: 'utf8' });
  expect(status, stderr).toBe(0);
}

/** A whole config, or settings of the linter. */
function parseJson({ page, text }: Chunk): void {
  if ('rules' in (JSON.parse(text) as object)) parseSettings(text, page);
  else parseFilterConfig(text);
}

async function run(folder: string, block: Chunk): Promise<void> {
  switch (block.language) {
    case 'console':
      return runSession(folder, block);
    case 'sh':
    case 'yaml':
      runCommands(folder, block);
      return;
    case 'ts':
    case 'js':
      runProgram(folder, block);
      return;
    case 'json':
      parseJson(block);
      return;
    default:
      throw new Error('mark it: <!-- example: what it is --> on the line before');
  }
}

it('the pages are there, and their blocks are found', () => {
  expect(PAGES.length).toBeGreaterThan(10);
  const fences = PAGES.map((page) => readFileSync(join(ROOT, page), 'utf8').match(/^```/gm)?.length ?? 0);
  expect(blocks).toHaveLength(fences.reduce((sum, count) => sum + count, 0) / 2);
});

const runnable = blocks.filter(({ example }) => example === null);

describe.each([...new Set(runnable.map(({ page }) => page))])('%s', (page) => {
  const folder = temporaryFolder();

  beforeAll(async () => {
    prepare(folder);
    await prepareTutorial(folder, page);
  });

  const own = runnable.filter((block) => block.page === page);
  it.each(own.map((block) => [block.line, block] as const))('line %i', async (_, block) => {
    await run(folder, block);
  });
});
