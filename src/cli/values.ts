import { InvalidArgumentError } from '@commander-js/extra-typings';

/** How values of options are read. Each parser says what it expects. */

/** A whole number; past `most` it is refused, not rounded. */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d{1,16}$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`Expected a whole number from ${least} to ${most}.`);
  };
}

/** A decimal number above 0. */
export function positiveNumber(most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d{1,16}(\.\d{1,16})?$/.test(text) && value > 0 && value <= most) return value;
    throw new InvalidArgumentError(`Expected a number above 0, at most ${most}.`);
  };
}

/** For options that may be given again: all their values, in order. */
export function collect(text: string, before: readonly string[] | undefined): string[] {
  return [...(before ?? []), text];
}
