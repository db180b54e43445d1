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
