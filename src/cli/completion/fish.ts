import type { CliCommand, CliOption, CliTree } from './tree.ts';

/** Completions for fish, one line a word. */
export function fishScript({ name, options, commands }: CliTree): string {
  const names = commands.map((command) => command.name).join(' ');
  const bare = `not __fish_seen_subcommand_from ${names}`;
  return [
    `# fish completion for ${name}: add to ~/.config/fish/config.fish  ${name} completion fish | source`,
    ...options.map((option) => optionLine(name, bare, option)),
    ...commands.flatMap((command) => commandLines(name, bare, command)),
    '',
  ].join('\n');
}

function commandLines(
  program: string,
  bare: string,
  { name, description, options, choices, isGroup }: CliCommand,
): string[] {
  const seen = `__fish_seen_subcommand_from ${name}`;
  const words = `complete -c ${program} -n ${quote(seen)}${isGroup ? '' : ' -f'} -a ${quote(choices.join(' '))}`;
  return [
    `complete -c ${program} -n ${quote(bare)} -f -a ${quote(name)} -d ${quote(description)}`,
    ...(choices.length === 0 ? [] : [words]),
    ...options.map((option) => optionLine(program, seen, option)),
  ];
}

function optionLine(program: string, condition: string, { flags, description, value }: CliOption): string {
  const names = flags.map((flag) => (flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`));
  return `complete -c ${program} -n ${quote(condition)} ${names.join(' ')}${takes(value)} -d ${quote(description)}`;
}

function takes(value: CliOption['value']): string {
  switch (value.kind) {
    case 'none':
      return '';
    case 'text':
      return ' -x';
    case 'file':
      return ' -r';
    case 'choice':
      return ` -x -a ${quote(value.choices.join(' '))}`;
  }
}

function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
