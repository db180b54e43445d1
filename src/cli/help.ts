import { Help } from '@commander-js/extra-typings';
import type { CommandUnknownOpts, Option } from '@commander-js/extra-typings';

/** What help says besides what commander says by itself, and when a missing option is complained of. */

/** Examples at the end of a command's help: what is typed after the program's name, and what for. */
export function examples(
  command: CommandUnknownOpts,
  lines: readonly (readonly [typed: string, purpose: string])[],
): void {
  const shown = lines.map(([typed, purpose]) => `  # ${purpose}\n  $ cipherconv ${typed}\n`);
  command.addHelpText('after', `\nExamples:\n${shown.join('')}`);
}

/** Options that have to be given. */
const required = new WeakSet<Option>();

/** Help marks them. Set before commands are added, which take it over. */
export function markRequired(program: CommandUnknownOpts): void {
  const standard = new Help();
  program.configureHelp({
    optionDescription: (option) =>
      `${required.has(option) ? 'required: ' : ''}${standard.optionDescription(option)}`,
  });
}

/**
 * commander complains of a missing option before it looks at the unknown ones, so that a misspelt option is reported as
 * a missing one. Here what is missing is said last, just before the command runs. Called when all commands are there.
 */
export function requireLast(program: CommandUnknownOpts): void {
  const release = (command: CommandUnknownOpts): void => {
    for (const option of command.options.filter(({ mandatory }) => mandatory)) {
      required.add(option);
      option.mandatory = false;
    }
    command.commands.forEach(release);
  };
  release(program);
  program.hook('preAction', (_, command) => {
    const missing = command.options.find(
      (option) => required.has(option) && command.getOptionValue(option.attributeName()) === undefined,
    );
    if (missing === undefined) return;
    command.error(`error: required option '${missing.flags}' not specified`, {
      code: 'commander.missingMandatoryOptionValue',
    });
  });
}
