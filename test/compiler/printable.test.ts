import { describe, expect, it } from 'vitest';
import { CipherconvError } from '../../compiler/base/errors.ts';
import { printable, printableLines, shortened } from '../../compiler/base/printable.ts';

describe('printable', () => {
  it('shows what could steer a terminal, break the line or turn the direction as an escape', () => {
    expect(printable('a\u001b[31mb\n\u202e\u009b\ud800')).toBe(
      'a\\u{1b}[31mb\\u{a}\\u{202e}\\u{9b}\\u{d800}',
    );
  });

  it('leaves names of people alone, and what is escaped already', () => {
    const name = 'Ünïcode 名前 \u{1f600} \\u{1b}';
    expect(printable(name)).toBe(name);
    expect(printable(printable('\u001b'))).toBe('\\u{1b}');
  });

  it('keeps the lines of a text that has some of its own', () => {
    expect(printableLines('a\u0007\nb')).toBe('a\\u{7}\nb');
  });
});

describe('shortened', () => {
  it('leaves out the middle of what is longer than a line has room for', () => {
    const name = `${'a'.repeat(36)}${'b'.repeat(36)}`;
    expect(shortened(name)).toBe(name);
    expect(shortened(`head${'-'.repeat(60000)}tail`)).toMatch(/^head-{31}\.\.\.-{30}tail$/);
  });

  it('cuts no character in two', () => {
    // A character is one code point of two units; a half would be one of its own.
    for (const text of [shortened('\u{1f600}'.repeat(50)), shortened(`a${'\u{1f600}'.repeat(50)}`)])
      expect(text).not.toMatch(/\p{Surrogate}/u);
  });
});

it('an error has the lines of its parts and no others; its details are as they came', () => {
  const hostile = 'x\u001b[2J\nerror: all is well';
  const error = new CipherconvError({
    code: 'usage',
    where: hostile,
    message: hostile,
    expected: hostile,
    found: hostile,
    hint: hostile,
  });
  expect(error.message.split('\n')).toHaveLength(4);
  expect(error.message).not.toContain('\u001b');
  expect(error.stack?.split('\n').filter((line) => line.startsWith('error:'))).toEqual([]);
  expect(error.details.found).toBe(hostile);
});
