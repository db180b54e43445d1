import type { Command } from '@commander-js/extra-typings';
import { examples } from './help.ts';
import { late } from './interrupt.ts';
import type { Terminal } from './terminal.ts';

/** `keygen`: a fresh secret key for a client plan, and the evaluation keys that go to the server. */
export function addKeygen(program: Command, terminal: () => Terminal): void {
  const command = program
    .command('keygen')
    .description('make a secret key for a client plan, and the keys that the server needs')
    .requiredOption('--plan <file>', 'the client plan, or - for stdin')
    .requiredOption('--secret-key <file>', 'where the secret key goes: it never leaves the client')
    .option('--evaluation-keys <file>', 'where the keys for the server go, which plans with rotations need')
    .option('--force', 'replace keys that are there: what was encrypted with them is lost');
  examples(command, [
    ['keygen --plan client.json --secret-key secret.key', 'a key that only its owner can read'],
    [
      'keygen --plan client.json --secret-key secret.key --evaluation-keys public.keys',
      'for plans that rotate',
    ],
  ]);
  command.action(async (flags) => {
    const { keygen } = await late(import('./actions/keygen.ts'));
    await keygen(flags, terminal());
  });
}
