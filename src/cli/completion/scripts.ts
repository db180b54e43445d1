import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { bashScript } from './bash.ts';
import { fishScript } from './fish.ts';
import { describeCommands } from './tree.ts';
import type { CliTree } from './tree.ts';
import { zshScript } from './zsh.ts';

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript } as const satisfies Readonly<
  Record<string, (tree: CliTree) => string>
>;

/** The script of one shell for a whole program. */
export function completionScript(shell: keyof typeof SCRIPTS, program: CommandUnknownOpts): string {
  return SCRIPTS[shell](describeCommands(program));
}
