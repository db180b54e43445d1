/** docs/cli.md, from the help of the program and of its commands. */

const HEAD = `# Commands

Every command of \`cipherconv\`, in the words of its own \`--help\`. A test writes this page and fails when the program says
something else. In a clone the program is \`npm run -s cipherconv --\`, or \`npx cipherconv\` after \`npm run build\`.

Exit codes are the same everywhere:

| code | meaning |
| --- | --- |
| 0 | Good. |
| 1 | An accumulator overflows, BFV cannot carry the sums, or a run gave other integers than the clear. |
| 2 | Something was refused: a file, an option, a request that is not supported. |
| 130 | Interrupted from the keyboard. |

Results go to stdout, progress and notices to stderr. \`-\` stands for stdin or stdout where a command takes a file.
\`NO_COLOR\` is respected.

<!-- examples: the program's own help, which test/docs/generatedPages.test.ts compares -->
`;

/** Names in the list of commands of a help; none where there is no list. */
export function namesOf(help: string): string[] {
  const [, list = ''] = /^Commands:\n((?: {2}.*\n)+)/m.exec(help) ?? [];
  return [...list.matchAll(/^ {2}(\w[\w-]*)/gm)]
    .map(([, name = '']) => name)
    .filter((name) => name !== 'help');
}

const block = (help: string): string => `\`\`\`text\n${help.trimEnd()}\n\`\`\`\n`;

/** @param helpOf the help of a command by its words; of the program itself for none */
export function commandPage(helpOf: (command: readonly string[]) => string): string {
  const program = helpOf([]);
  const section = (words: readonly string[], level: string): string[] => {
    const help = helpOf(words);
    const inner = namesOf(help).flatMap((name) => section([...words, name], `${level}#`));
    return [`${level} ${words.join(' ')}\n`, block(help), ...inner];
  };
  const commands = namesOf(program).flatMap((name) => section([name], '##'));
  return [HEAD, block(program), ...commands].join('\n');
}
