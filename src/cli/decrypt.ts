import type { Command } from '@commander-js/extra-typings';
import { examples } from './help.ts';
import { late } from './interrupt.ts';
import type { Terminal } from './terminal.ts';

/** `decrypt`: the result of the server to the accumulators. */
export function addDecrypt(program: Command, terminal: () => Terminal): void {
  const command = program
    .command('decrypt')
    .description('decrypt the result of the server')
    .requiredOption('--plan <file>', 'the client plan, or - for stdin')
    .option('--secret-key <file>', 'the secret key that the input was encrypted with, or - for stdin')
    .option(
      '--one-time-key <file>',
      'for plans with a hint: the key that encrypt wrote with this upload (another reads noise); it is removed then',
    )
    .requiredOption('-i, --input <file>', 'the result of evaluate, or - for stdin')
    .requiredOption(
      '-o, --output <file>',
      'write the result: .npy, .json, .pb, .png, or - for JSON on stdout',
    );
  examples(command, [
    [
      'decrypt --plan client.json --secret-key secret.key -i response.ct -o y.npy',
      'the accumulators, as integers',
    ],
    [
      'decrypt --plan client.json --one-time-key once.key -i response.ct -o y.npy',
      'the same with a plan that has a hint',
    ],
  ]);
  command.action(async (flags) => {
    const { decrypt } = await late(import('./actions/decrypt.ts'));
    await decrypt(flags, terminal());
  });
}
