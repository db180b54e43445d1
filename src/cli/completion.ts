import { Argument } from '@commander-js/extra-typings';
import type { Command } from '@commander-js/extra-typings';
import { examples } from './help.ts';
import { late } from './interrupt.ts';
import type { Terminal } from './terminal.ts';

const SHELLS = ['bash', 'zsh', 'fish'] as const;

/** `completion bash|zsh|fish`: a script made from the commands and options as commander knows them. */
export function addCompletion(program: Command, terminal: () => Terminal): void {
  const command = program
    .command('completion')
    .description('print a completion script for a shell')
    .addArgument(new Argument('<shell>', 'the shell').choices(SHELLS));
  examples(command, [
    ['completion bash >> ~/.bashrc', 'from the next shell on'],
    ['completion fish | source', 'in this one'],
  ]);
  command.action(async (shell) => {
    const { completionScript } = await late(import('./completion/scripts.ts'));
    terminal().print(completionScript(shell, program));
  });
}
