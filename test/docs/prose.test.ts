/**
 * How long sentences are, where people begin to read: README, concepts and tutorials. Code blocks and tables do not
 * count; a heading is no sentence.
 */
import { globSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../cli/spawnCli.ts';
import { chunksOf, chunksOfText } from '../support/markdown.ts';
import type { Chunk } from '../support/markdown.ts';

const MOST_WORDS = 25;
const AVERAGE_WORDS = 15;

const READ_FIRST = [
  'README.md',
  'docs/concepts.md',
  ...globSync('docs/tutorials/*.md', { cwd: ROOT }).sort(),
];

/** Paragraphs and list items of a chunk, without marks. */
function paragraphsOf({ text }: Chunk): string[] {
  if (/^(\||#)/.test(text)) return [];
  return text
    .split(/\n(?=\s*(?:[-*]|\d+\.)\s)/)
    .map((item) =>
      item
        .replace(/^\s*(?:[-*]|\d+\.)\s+/, '')
        .replaceAll(/!\[[^\]]*\]\([^)]*\)/g, '')
        // A link is read as its text, a piece of code as one word.
        .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
        .replaceAll(/`[^`]*`/g, 'code')
        .replaceAll('**', '')
        .replaceAll(/\s+/g, ' ')
        .trim(),
    )
    .filter((item) => item !== '');
}

interface Sentence {
  readonly text: string;
  readonly words: number;
}

/** A sentence ends at `.`, `!` or `?` before a space, and at the end of its paragraph. */
function sentencesOf(chunks: readonly Chunk[]): Sentence[] {
  return chunks
    .filter(({ language }) => language === null)
    .flatMap(paragraphsOf)
    .flatMap((paragraph) => paragraph.split(/(?<=[.!?][)"*]?)\s+(?=\S)/))
    .map((text) => ({ text, words: text.split(' ').filter((word) => /[\p{L}\p{N}]/u.test(word)).length }))
    .filter(({ words }) => words > 0);
}

const averageOf = (sentences: readonly Sentence[]): number =>
  sentences.reduce((sum, { words }) => sum + words, 0) / sentences.length;

describe.each(READ_FIRST)('%s', (page) => {
  const sentences = sentencesOf(chunksOf(page));

  it(`has no sentence of more than ${MOST_WORDS} words, and ${AVERAGE_WORDS} on average at most`, () => {
    expect(sentences.length).toBeGreaterThanOrEqual(10);
    expect(sentences.filter(({ words }) => words > MOST_WORDS)).toEqual([]);
    expect(averageOf(sentences)).toBeLessThanOrEqual(AVERAGE_WORDS);
  });
});

it('README has at most 150 lines', () => {
  const last = chunksOf('README.md').at(-1)!;
  expect(last.line + last.text.split('\n').length - 1).toBeLessThanOrEqual(150);
});

describe('what is counted', () => {
  const longest = (words: number): string => `${Array.from({ length: words }, () => 'word').join(' ')}.`;
  const of = (text: string): Sentence[] => sentencesOf(chunksOfText('x.md', text));

  it.each([
    ['a sentence', 'One two three. Four five!', [3, 2]],
    ['lines of one sentence', 'One two\nthree four.', [4]],
    ['items of a list', '- One two.\n- Three\n  four five.\n1. Six.', [2, 3, 1]],
    ['links, code and marks', 'See [the two words](x.md "t") and `a b c d` — **now**.', [7]],
    ['numbers with points', 'It has 2.5 bits and v1.2 of it.', [8]],
    [
      'neither tables, headings, pictures nor code',
      '# One\n\n| a | b |\n\n![c d](e.png)\n\n```sh\nf g\n```',
      [],
    ],
  ])('%s', (_, text, counts) => {
    expect(of(text).map(({ words }) => words)).toEqual(counts);
  });

  it('a sentence at the limit passes, one word more does not', () => {
    expect(of(longest(MOST_WORDS))[0]?.words).toBe(MOST_WORDS);
    expect(of(longest(MOST_WORDS + 1))[0]?.words).toBeGreaterThan(MOST_WORDS);
    expect(averageOf(of(`${longest(14)} ${longest(16)}`))).toBe(AVERAGE_WORDS);
    expect(averageOf(of(`${longest(15)} ${longest(16)}`))).toBeGreaterThan(AVERAGE_WORDS);
  });
});
