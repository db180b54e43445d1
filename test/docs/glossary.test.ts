/** docs/glossary.md: in order, every word once, and the words that the concepts are told with. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ROOT } from '../cli/spawnCli.ts';
import { PAGES } from '../support/markdown.ts';

const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const GLOSSARY = 'docs/glossary.md';

const terms = read(GLOSSARY)
  .split('\n')
  .filter((line) => /^\| (?!word |-)/.test(line))
  .map((line) => line.split('|')[1]!.replaceAll('`', '').trim());

/** Words of the concepts page that a newcomer may not know. */
const NEEDED = [
  ...['accumulator', 'activation', 'BFV', 'ciphertext', 'digest', 'hint', 'hybrid model', 'N', 'noise'],
  ...['network of one round', 'packing', 'plan', 'q', 'round', 't', 'tap', 'zero point'],
];

it('has its words in alphabetical order, each once', () => {
  const lower = terms.map((term) => term.toLowerCase());
  expect(lower.length).toBeGreaterThan(50);
  expect(lower).toEqual([...new Set(lower)].sort());
});

it('explains the words that the concepts page needs', () => {
  expect(NEEDED.filter((word) => !terms.includes(word))).toEqual([]);
  const concepts = read('docs/concepts.md').toLowerCase();
  const heads = NEEDED.map((word) => word.toLowerCase().split(/[ -]/)[0]!);
  expect(heads.filter((word) => !concepts.includes(word))).toEqual([]);
});

it('has no word that is used nowhere else', () => {
  const pages = PAGES.filter((page) => page !== GLOSSARY).map(read);
  const sources = globSync('{compiler,runtime,src}/**/*.ts', { cwd: ROOT }).map(read);
  const all = [...pages, ...sources].join('\n').toLowerCase();
  // `c0, c1` are two words; the letters at the ends of `row pitch R` are names of formulas.
  const variants = (term: string): string[] =>
    term.split(', ').map((one) => one.replace(/ [A-Z]$/, '').toLowerCase());
  expect(terms.filter((term) => !variants(term).every((word) => all.includes(word)))).toEqual([]);
});
