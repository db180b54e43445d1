import type { Command } from '@commander-js/extra-typings';
import { examples } from './help.ts';
import { late } from './interrupt.ts';
import type { Terminal } from './terminal.ts';

/** `evaluate`: the server's part, on files. It needs no secret key and takes none. */
export function addEvaluate(program: Command, terminal: () => Terminal): void {
  const command = program
    .command('evaluate')
    .description('evaluate a plan on a ciphertext, as the server does')
    .requiredOption('--plan <file>', 'the server plan, or - for stdin')
    .option('--evaluation-keys <file>', 'the evaluation keys of the client, which plans with rotations need')
    .requiredOption('-i, --input <file>', 'the ciphertext of encrypt, or - for stdin')
    .requiredOption('-o, --output <file>', 'where the result, a ciphertext, goes, or - for stdout');
  examples(command, [
    ['evaluate --plan server.json -i upload.ct -o response.ct', 'on the server, without any secret'],
  ]);
  command.action(async (flags) => {
    const { evaluate } = await late(import('./actions/evaluate.ts'));
    await evaluate(flags, terminal());
  });
}
