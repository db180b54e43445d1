/**
 * Foreign text (names from files, paths, what a server or another library says) on one line of a terminal: whatever
 * could steer the terminal, break the line or turn the reading direction is shown as an escape. Everything that prints
 * foreign text to people prints it through here. Doing it twice changes nothing.
 */
export function printable(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu,
    (char) => `\\u{${char.codePointAt(0)?.toString(16) ?? ''}}`,
  );
}

/** The same for text that has several lines of its own, such as a stack trace: line breaks stay. */
export function printableLines(text: string): string {
  return text.split('\n').map(printable).join('\n');
}

/** What of a name fits beside other things on a line. TFLite's converter makes names of several hundred characters. */
const LONGEST_NAME = 72;

/** Text without its middle where it is longer than names of people are: ends of names tell more apart than middles. */
export function shortened(text: string): string {
  if (text.length <= LONGEST_NAME) return text;
  const kept = LONGEST_NAME - 3;
  // A character of two units is not cut in two.
  const head = text.slice(0, Math.ceil(kept / 2)).replace(/[\uD800-\uDBFF]$/, '');
  const tail = text.slice(text.length - Math.floor(kept / 2)).replace(/^[\uDC00-\uDFFF]/, '');
  return `${head}...${tail}`;
}
