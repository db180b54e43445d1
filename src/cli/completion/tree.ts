import { Help } from '@commander-js/extra-typings';
import type { CommandUnknownOpts, Option } from '@commander-js/extra-typings';

/** What a shell needs to know of the command line, read from commander, so that it cannot go stale. */
export interface CliTree {
  readonly name: string;
  readonly options: readonly CliOption[];
  readonly commands: readonly CliCommand[];
}

export interface CliCommand {
  readonly name: string;
  readonly description: string;
  readonly options: readonly CliOption[];
  /** Words that the first argument may be; empty when it is a file. */
  readonly choices: readonly string[];
}

export interface CliOption {
  /** `-o` and `--output`, as many as there are. */
  readonly flags: readonly string[];
  readonly description: string;
  readonly value:
    | { readonly kind: 'none' | 'file' | 'text' }
    | { readonly kind: 'choice'; readonly choices: readonly string[] };
}

export function describeCommands(program: CommandUnknownOpts): CliTree {
  const help = new Help();
  return {
    name: program.name(),
    options: optionsOf(help, program),
    commands: help.visibleCommands(program).map((command) => ({
      name: command.name(),
      description: command.description(),
      options: optionsOf(help, command),
      choices:
        command.name() === 'help'
          ? help.visibleCommands(program).map((other) => other.name())
          : (command.registeredArguments[0]?.argChoices ?? []),
    })),
  };
}

function optionsOf(help: Help, command: CommandUnknownOpts): CliOption[] {
  return help.visibleOptions(command).map((option) => ({
    flags: [option.short, option.long].filter((flag) => flag !== undefined),
    description: option.description,
    value: valueOf(option),
  }));
}

function valueOf({ required, optional, argChoices, flags }: Option): CliOption['value'] {
  if (!required && !optional) return { kind: 'none' };
  if (argChoices !== undefined) return { kind: 'choice', choices: argChoices };
  return { kind: /<(file|path|folder)>/.test(flags) ? 'file' : 'text' };
}
