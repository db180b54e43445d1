/**
 * What the documentation names is there: commands and their options, npm scripts, files, links. In examples too, which
 * no test runs.
 */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cipherconv, ROOT } from '../cli/spawnCli.ts';
import { chunksOf, PAGES, typedLines } from '../support/markdown.ts';

/** Every source of ours, by its path from the root. */
const SOURCES = globSync(
  ['{compiler,runtime,src,bench,test,tools,examples}/**/*.{ts,proto}', '*.config.ts'],
  { cwd: ROOT },
);

/** What npm itself understands. */
const NPM_COMMANDS = ['ci', 'cit', 'install', 'pack', 'test'];

const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>;
};

const helps = new Map<string, string>();

/** The help of a command; '' is the program's own. */
function helpOf(command: string): string {
  const known = helps.get(command);
  if (known !== undefined) return known;
  const { stdout } = cipherconv([...command.split(' ').filter((word) => word !== ''), '--help']);
  helps.set(command, stdout);
  return stdout;
}

/** Commands that a chunk names: the lines of a block, the code spans of prose. */
function commandsOf(page: string): { line: number; command: string }[] {
  return chunksOf(page).flatMap((chunk) => {
    const text = chunk.text.replaceAll('\n', ' ');
    const spans = [...text.matchAll(/`([^`]+)`/g)].map(([, span]) => span!.replace(/\s+/g, ' '));
    const commands = chunk.language === null ? spans : typedLines(chunk);
    return commands.map((command) => ({ line: chunk.line, command }));
  });
}

/** The command of a group of commands, such as `submit` of `farm submit`; null where there is no group. */
function innerCommand(name: string, words: readonly string[]): string | null {
  if (!/^Commands:/m.test(helpOf(name)) || name === '') return null;
  const inner = words[words.indexOf(name) + 1] ?? '';
  return new RegExp(`^ {2}${inner} `, 'm').test(helpOf(name)) ? inner : null;
}

/** What is wrong with a line `cipherconv ...`, or null. */
function wrongWithCipherconv(words: readonly string[]): string | null {
  const name = words.find((word) => !word.startsWith('-')) ?? '';
  const isCommand = name !== '' && new RegExp(`^ {2}${name}\\b`, 'm').test(helpOf(''));
  if (name !== '' && !isCommand) return `there is no command ${name}`;
  const inner = innerCommand(name, words);
  const help = helpOf('') + helpOf(name) + (inner === null ? '' : helpOf(`${name} ${inner}`));
  const options = words.filter((word) => /^--?[a-z]/.test(word)).map((word) => word.replace(/=.*$/, ''));
  const missing = options.find((option) => !new RegExp(`(^|[\\s,])${option}\\b`, 'm').test(help));
  return missing === undefined ? null : `${name || 'cipherconv'} has no option ${missing}`;
}

/** What is wrong with a command, or null. Others' programs are theirs. */
function wrongWith(command: string): string | null {
  const words = command.split(/[\s'"()]+/).filter((word) => word !== '');
  const [program, first = '', second = ''] = words[0] === 'npx' ? words.slice(1) : words;
  const rest = words.slice(words.indexOf(program ?? '') + 1);
  if (program === 'npm' && first === 'run') {
    const script = rest.slice(1).find((word) => !word.startsWith('-')) ?? '';
    if (script === '') return null;
    if (!(script in scripts)) return `there is no npm script ${script}`;
    return script === 'cipherconv' ? wrongWithCipherconv(rest.slice(rest.indexOf('--') + 1)) : null;
  }
  if (program === 'npm') return NPM_COMMANDS.includes(first) ? null : `npm ${first} is not expected`;
  if (program === 'node' && first.endsWith('.ts') && words[0] === 'node')
    return 'a bare node may be too old: say npx node';
  if (program === 'node' && first.endsWith('.ts'))
    return existsSync(join(ROOT, first)) ? null : `there is no ${first}`;
  const at = words.indexOf('cipherconv');
  // `cipherconv/client` and the like are modules; the word alone is a name.
  if (program !== 'cipherconv' || (first === '' && second === '')) return null;
  const end = words.findIndex((word, index) => index > at && /^[|>;&]/.test(word));
  return wrongWithCipherconv(words.slice(at + 1, end < 0 ? undefined : end));
}

/** Anchors that GitHub gives to the headings of a page. */
function anchorsOf(markdown: string): string[] {
  return [...markdown.replaceAll(/^```[^]*?^```/gm, '').matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

describe.each(PAGES)('%s', (page) => {
  it('names commands, options and scripts that exist', () => {
    const wrong = commandsOf(page)
      .map(({ line, command }) => ({ line, command, wrong: wrongWith(command) }))
      .filter(({ wrong: reason }) => reason !== null);
    expect(wrong).toEqual([]);
  });

  it('links to files that exist', () => {
    const text = readFileSync(join(ROOT, page), 'utf8');
    const links = [...text.matchAll(/\]\(([^)#\s]+)(#[^)]*)?\)/g)].map(([, link]) => link!);
    const files = links.filter((link) => !/^\w+:/.test(link));
    expect(files.filter((file) => !existsSync(join(ROOT, dirname(page), file)))).toEqual([]);
  });

  it('links to headings that exist', () => {
    const text = readFileSync(join(ROOT, page), 'utf8');
    const links = [...text.matchAll(/\]\(([^)#\s:]*)#([^)\s]+)\)/g)];
    const missing = links.filter(([, file = '', anchor = '']) => {
      const target = file === '' ? page : join(dirname(page), file);
      return target.endsWith('.md') && !anchorsOf(readFileSync(join(ROOT, target), 'utf8')).includes(anchor);
    });
    expect(missing.map(([link]) => link)).toEqual([]);
  });

  it('names tests, sources and examples that exist', () => {
    const text = readFileSync(join(ROOT, page), 'utf8');
    // `exact.ts` and `accumulator/exact.ts` are sources by the end of their paths.
    const sources = [...text.matchAll(/`([\w./-]+\.ts)`/g)].map(([, source]) => source!);
    expect(sources.filter((source) => !SOURCES.some((path) => `/${path}`.endsWith(`/${source}`)))).toEqual(
      [],
    );
    const paths =
      text.match(/\b(test|src|bench|compiler|runtime|tools|examples)\/[\w./-]*\w\.(ts|json|png|md)\b/g) ?? [];
    expect(paths.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });
});

it.each([
  ['npx cipherconv nothing', 'no command nothing'],
  ['npx cipherconv lint --no-such-option x', 'no option --no-such-option'],
  ['npm run -s cipherconv -- compile --frob', 'no option --frob'],
  ['npm run nothing', 'no npm script nothing'],
  ['npx node examples/nothing.ts', 'there is no examples/nothing.ts'],
  ['node examples/demo.ts', 'say npx node'],
])('%s would be found out', (command, reason) => {
  expect(wrongWith(command)).toContain(reason);
});

it('anchors are those of headings', () => {
  const page = '# A: the `b`, and c-d\n\n```sh\n# no heading\n```\n\n## Whose cryptography?\n';
  expect(anchorsOf(page)).toEqual(['a-the-b-and-c-d', 'whose-cryptography']);
});
