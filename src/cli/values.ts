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

/** A percentage that most values keep to. */
export function percentage(text: string): number {
  const value = Number(text);
  if (/^\d{1,3}(\.\d{1,16})?$/.test(text) && value >= 50 && value <= 100) return value;
  throw new InvalidArgumentError('Expected a number from 50 to 100.');
}

/** For options that may be given again: all their values, in order. */
export function collect(text: string, before: readonly string[] | undefined): string[] {
  return [...(before ?? []), text];
}

/** A host name or address as requests name it, without port; may be given again. */
export function hostNames(text: string, before: readonly string[] | undefined): string[] {
  if (/^([a-z0-9_.-]{1,253}|\[[0-9a-f:.]{2,45}\])$/i.test(text)) return collect(text.toLowerCase(), before);
  throw new InvalidArgumentError('Expected a host name without scheme and port, such as example.org.');
}

/** The origin of a web page, as browsers write it; may be given again. */
export function origins(text: string, before: readonly string[] | undefined): string[] {
  const url = URL.canParse(text) ? new URL(text) : null;
  const isWeb = url !== null && (url.protocol === 'http:' || url.protocol === 'https:');
  if (isWeb && (text === url.origin || text === `${url.origin}/`)) return collect(url.origin, before);
  throw new InvalidArgumentError('Expected an origin: scheme, host and port, such as https://example.org.');
}
