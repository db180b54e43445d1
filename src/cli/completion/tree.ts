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
  /** Whether the first argument is a command itself, after which files follow; the options are those of all of them. */
  readonly isGroup: boolean;
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
      options: optionsOfAll(help, [command, ...command.commands]),
      choices: choicesOf(help, program, command),
      isGroup: command.commands.length > 0,
    })),
  };
}

function choicesOf(help: Help, program: CommandUnknownOpts, command: CommandUnknownOpts): readonly string[] {
  if (command.name() === 'help') return help.visibleCommands(program).map((other) => other.name());
  if (command.commands.length > 0) return command.commands.map((other) => other.name());
  return command.registeredArguments[0]?.argChoices ?? [];
}

/** Each option once. */
function optionsOfAll(help: Help, commands: readonly CommandUnknownOpts[]): CliOption[] {
  const byFlags = new Map(
    commands.flatMap((command) => optionsOf(help, command)).map((option) => [option.flags.join(), option]),
  );
  return [...byFlags.values()];
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
