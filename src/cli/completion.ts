import { Argument } from '@commander-js/extra-typings';
import type { Command } from '@commander-js/extra-typings';
import { bashScript } from './completion/bash.ts';
import { fishScript } from './completion/fish.ts';
import { describeCommands } from './completion/tree.ts';
import type { CliTree } from './completion/tree.ts';
import { zshScript } from './completion/zsh.ts';
import type { Terminal } from './terminal.ts';

const SHELLS = ['bash', 'zsh', 'fish'] as const;

const SCRIPTS: Readonly<Record<(typeof SHELLS)[number], (tree: CliTree) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};

/** `completion bash|zsh|fish`: a script made from the commands and options as commander knows them. */
export function addCompletion(program: Command, terminal: () => Terminal): void {
  program
    .command('completion')
    .description('print a completion script for a shell')
    .addArgument(new Argument('<shell>', 'the shell').choices(SHELLS))
    .action((shell) => {
      terminal().print(SCRIPTS[shell](describeCommands(program)));
    });
}
