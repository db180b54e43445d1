import type { CliCommand, CliOption, CliTree } from './tree.ts';

/** A completion function for zsh, with descriptions. Works in a file of `fpath` and with `source`. */
export function zshScript({ name, options, commands }: CliTree): string {
  const described = commands.map(
    (command) => `    ${quote(`${escapeColons(command.name)}:${command.description}`)}`,
  );
  return `#compdef ${name}
# zsh completion for ${name}: add to ~/.zshrc, after compinit  source <(${name} completion zsh)
_${name}() {
  local context state state_descr line
  typeset -A opt_args
  local -a commands
  commands=(
${described.join('\n')}
  )
  _arguments -C ${[...options.flatMap(optionSpecs), quote('1:command:->command'), quote('*::argument:->argument')].join(' ')}
  case $state in
    command) _describe command commands ;;
    argument)
      case $line[1] in
${commands.map(commandCase).join('')}      esac ;;
  esac
}
if [ "$funcstack[1]" = "_${name}" ]; then _${name} "$@"; else compdef _${name} ${name}; fi
`;
}

function commandCase({ name, options, choices, isGroup }: CliCommand): string {
  const word = choices.length === 0 ? [] : [`1:argument:(${choices.join(' ')})`];
  const rest = word.length === 0 || isGroup ? ['*:file:_files'] : [];
  return `        ${name}) _arguments ${[...options.flatMap(optionSpecs), ...[...word, ...rest].map(quote)].join(' ')} ;;\n`;
}

function optionSpecs({ flags, description, value }: CliOption): string[] {
  const text = `[${description.replaceAll(/[[\]\\]/g, '\\$&')}]`;
  return flags.map((flag) => quote(`*${flag}${text}${action(value)}`));
}

function action(value: CliOption['value']): string {
  switch (value.kind) {
    case 'none':
      return '';
    case 'text':
      return ':value: ';
    case 'file':
      return ':file:_files';
    case 'choice':
      return `:value:(${value.choices.join(' ')})`;
  }
}

function escapeColons(text: string): string {
  return text.replaceAll(':', '\\:');
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
