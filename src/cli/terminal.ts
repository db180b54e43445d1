import { styleText } from 'node:util';
import { printable, shortened } from '../../compiler/base/printable.ts';
import type { Outcome } from './exitCode.ts';

/** What commands say, and where: results on stdout; notices, warnings and progress on stderr. */
export interface Terminal {
  /** A result, with its line break. */
  readonly print: (text: string) => void;
  /** A sentence that a person may want to know, on one line whatever names it has in it; silent with --quiet. */
  readonly notice: (sentence: string) => void;
  /** Text of several lines, made for people, where stdout has the result; silent with --quiet. */
  readonly remark: (text: string) => void;
  /** How far long work is; silent with --quiet. `done` of `total` is shown where total is more than 1. */
  readonly progress: (step: string, done: number, total: number) => void;
  /** Takes the progress line away. */
  readonly endProgress: () => void;
  /** Told how the command ended, when it ended other than well. */
  readonly finish: (outcome: Outcome) => void;
  /** Whether --quiet was given. */
  readonly quiet: boolean;
}

/** Milliseconds between two progress lines of one step where there is no terminal to overwrite them on. */
const LINE_INTERVAL = 5000;
/** Milliseconds between two updates of the progress line of a terminal. */
const UPDATE_INTERVAL = 50;

export function createTerminal(quiet: boolean, finish: (outcome: Outcome) => void): Terminal {
  const progress = quiet ? silentProgress : process.stderr.isTTY ? lineProgress() : sparseProgress();
  const remark = (text: string): void => {
    if (quiet) return;
    progress.end();
    process.stderr.write(text);
  };
  return {
    print: (text) => {
      process.stdout.write(text);
    },
    notice: (sentence) => {
      remark(`${printable(sentence)}\n`);
    },
    remark,
    progress: progress.update,
    endProgress: progress.end,
    finish,
    quiet,
  };
}

interface ProgressLine {
  readonly update: (step: string, done: number, total: number) => void;
  readonly end: () => void;
}

const silentProgress: ProgressLine = { update: () => undefined, end: () => undefined };

function describe(step: string, done: number, total: number): string {
  const text = shortened(printable(step));
  return total > 1 ? `${text}: ${done} of ${total}` : `${text} ...`;
}

/** One line on a terminal, written over and over. */
function lineProgress(): ProgressLine {
  let shown = '';
  let last = 0;
  const clear = '\r\u001b[K';
  return {
    update: (step, done, total) => {
      const now = performance.now();
      const isNew = !shown.startsWith(shortened(printable(step)));
      if (!isNew && now - last < UPDATE_INTERVAL && done < total) return;
      last = now;
      shown = describe(step, done, total);
      process.stderr.write(`${clear}${styleText('dim', shown, { stream: process.stderr })}`);
    },
    end: () => {
      if (shown !== '') process.stderr.write(clear);
      shown = '';
    },
  };
}

/** A line when a step begins, and one now and then while it lasts. */
function sparseProgress(): ProgressLine {
  let current = '';
  let last = 0;
  return {
    update: (step, done, total) => {
      const now = performance.now();
      if (step === current && now - last < LINE_INTERVAL) return;
      current = step;
      last = now;
      process.stderr.write(`${describe(step, done, total)}\n`);
    },
    end: () => {
      current = '';
    },
  };
}

/** `text` in bold where stdout is a terminal and NO_COLOR is not set. */
export function bold(text: string): string {
  return styleText('bold', text, { stream: process.stdout });
}

/** `text` in green or red where stdout is a terminal and NO_COLOR is not set. */
export function verdict(good: boolean, text: string): string {
  return styleText(good ? 'green' : 'red', text, { stream: process.stdout });
}
