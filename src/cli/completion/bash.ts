import type { CliCommand, CliOption, CliTree } from './tree.ts';

/** A completion function for bash 3.2 and newer; needs no bash-completion package. */
export function bashScript({ name, options, commands }: CliTree): string {
  const words = [...commands.map((command) => command.name), ...flagsOf(options)];
  return `# bash completion for ${name}: add to ~/.bashrc  eval "$(${name} completion bash)"
_${name}() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" command='' index
  for ((index = 1; index < COMP_CWORD; index++)); do
    case "\${COMP_WORDS[index]}" in
      -*) ;;
      *) command="\${COMP_WORDS[index]}"; break ;;
    esac
  done
  COMPREPLY=()
  case "$command" in
    '') COMPREPLY=($(compgen -W '${words.join(' ')}' -- "$current")) ;;
${commands.map(commandCase).join('')}  esac
}
complete -F _${name} ${name}
`;
}

function flagsOf(options: readonly CliOption[]): string[] {
  return options.flatMap(({ flags }) => flags);
}

function commandCase({ name, options, choices, isGroup }: CliCommand): string {
  const values = options.flatMap((option) => {
    const reply = valueReply(option);
    return reply === null ? [] : [`        ${option.flags.join('|')}) ${reply}; return ;;\n`];
  });
  if (isGroup) values.push(`        ${name}) ${words(choices)}; return ;;\n`);
  const rest = choices.length === 0 || isGroup ? files() : words(choices);
  return `    ${name})
      case "$previous" in
${values.join('')}        *) ;;
      esac
      case "$current" in
        -*) ${words(flagsOf(options))} ;;
        *) ${rest} ;;
      esac ;;
`;
}

/** What follows an option; null where it takes nothing. */
function valueReply({ value }: CliOption): string | null {
  switch (value.kind) {
    case 'none':
      return null;
    case 'text':
      return ':';
    case 'file':
      return files();
    case 'choice':
      return words(value.choices);
  }
}

function words(choices: readonly string[]): string {
  return `COMPREPLY=($(compgen -W '${choices.join(' ')}' -- "$current"))`;
}

/** Names with spaces stay whole: one a line. */
function files(): string {
  return `compopt -o filenames 2>/dev/null || :; local IFS=$'\\n'; COMPREPLY=($(compgen -f -- "$current"))`;
}
