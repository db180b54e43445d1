/**
 * Our documentation, read for its tests. What no test can run is marked with its reason, in a comment before it:
 * `<!-- example: why -->` before one block, paragraph or table; `<!-- examples: why -->` for all that follows, until
 * `<!-- end of examples -->`.
 */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..');

/** Pages that say how things are. The changelog says how they were. */
export const PAGES = [
  'README.md',
  'SECURITY.md',
  ...globSync(['docs/**/*.md', 'examples/*/README.md'], { cwd: ROOT }).sort(),
];

export interface Chunk {
  /** The page's path from the root. */
  readonly page: string;
  /** Of its first line, from 1. */
  readonly line: number;
  /** Null for prose, headings and tables; '' for a block that names none. */
  readonly language: string | null;
  /** Without the fences. */
  readonly text: string;
  /** Why no test runs it, or null. */
  readonly example: string | null;
}

const MARK = /^<!-- (examples?): (.{10,}) -->$/;
const END = '<!-- end of examples -->';

/** Blocks and paragraphs in the order of the page. */
export function chunksOf(page: string): Chunk[] {
  return chunksOfText(page, readFileSync(join(ROOT, page), 'utf8'));
}

export function chunksOfText(page: string, markdown: string): Chunk[] {
  const lines = markdown.split('\n');
  const chunks: Chunk[] = [];
  let [next, region]: (string | null)[] = [null, null];
  for (let index = 0; index < lines.length; index++) {
    const first = lines[index]!;
    const [, kind, reason] = MARK.exec(first) ?? [];
    if (kind === 'example') next = reason ?? null;
    else if (kind === 'examples') region = reason ?? null;
    else if (first === END) region = null;
    if (kind !== undefined || first === END || first.trim() === '') continue;
    const line = index + 1;
    const [, language = null] = /^```(\w*)/.exec(first) ?? [];
    const text: string[] = [];
    if (language === null)
      for (
        ;
        index < lines.length && lines[index]!.trim() !== '' && !/^(```|<!--)/.test(lines[index]!);
        index++
      )
        text.push(lines[index]!);
    else
      for (index++; index < lines.length && !lines[index]!.startsWith('```'); index++)
        text.push(lines[index]!);
    // What ended a paragraph may begin something else.
    if (language === null) index--;
    // A comment that is no mark of ours would stand still otherwise.
    if (text.length === 0 && language === null) index++;
    chunks.push({ page, line, language, text: text.join('\n'), example: next ?? region ?? null });
    next = null;
  }
  return chunks;
}

/** Lines of a block that are typed, without prompts and comments. */
export function typedLines({ language, text }: Chunk): string[] {
  const lines = text.split('\n');
  const typed =
    language === 'console'
      ? lines.filter((line) => line.startsWith('$ ')).map((line) => line.slice(2))
      : language === 'yaml'
        ? lines.map((line) => line.replace(/^- run: /, ''))
        : lines;
  return typed.map((line) => line.replace(/(^|\s+)# .*$/, '').trim()).filter((line) => line !== '');
}
