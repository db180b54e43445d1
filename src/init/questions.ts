import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { CipherconvError } from '../../compiler/base/errors.ts';
import { nearest } from '../frontend/nearest.ts';

/** Asking a person, line by line. */
export interface Questions {
  /**
   * Asks until the answer is one that is taken.
   * @param read what an answer stands for, or why it is none
   * @throws CipherconvError `usage` when the input ends, or after several answers that are none
   */
  readonly ask: <T>(question: string, read: (answer: string) => Answer<T>) => Promise<T>;
  readonly close: () => void;
}

/** What an answer was understood as. */
export type Answer<T> = { readonly value: T } | { readonly again: string };

/** Answers that are none, before asking ends: nobody means it then. */
const MOST_TRIES = 5;

/** Asks on `output` and reads lines of `input`. */
export function askOn(input: Readable, output: Writable): Questions {
  const reader = createInterface({ input, output, terminal: 'isTTY' in input && input.isTTY === true });
  // As readline itself is ended by them: both end the process in an orderly way.
  reader.on('SIGINT', () => process.emit('SIGINT'));
  let isClosed = false;
  reader.on('close', () => {
    isClosed = true;
  });
  const lines = reader[Symbol.asyncIterator]();
  const ask = async <T>(question: string, read: (answer: string) => Answer<T>): Promise<T> => {
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      reader.setPrompt(`${question} `);
      // Lines that came before the end of the input are still there, but it prompts no more.
      if (isClosed) output.write(`${question} `);
      else reader.prompt();
      const { value, done } = await lines.next();
      if (done === true) break;
      const answer = read(value.trim());
      if ('value' in answer) return answer.value;
      output.write(`${answer.again}\n`);
    }
    throw new CipherconvError({
      code: 'usage',
      message: 'no answer',
      expected: question,
      hint: 'say it with options: cipherconv init --help',
    });
  };
  return {
    ask,
    close: () => {
      reader.close();
    },
  };
}

/** One of several names; nothing for the first of them. */
export function oneOf<Name extends string>(
  names: readonly [Name, ...Name[]],
): (answer: string) => Answer<Name> {
  return (answer) => {
    const found = answer === '' ? names[0] : names.find((name) => name === answer);
    if (found !== undefined) return { value: found };
    const near = nearest(answer, names);
    return { again: near === null ? `one of ${names.join(', ')}` : `did you mean ${near}?` };
  };
}

/** A whole number; nothing for `otherwise`. */
export function numberFrom(
  least: number,
  most: number,
  otherwise: number,
): (answer: string) => Answer<number> {
  return (answer) => {
    const value = answer === '' ? otherwise : Number(answer);
    if (Number.isInteger(value) && value >= least && value <= most) return { value };
    return { again: `a whole number from ${least} to ${most}` };
  };
}
