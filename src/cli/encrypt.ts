import type { Command } from '@commander-js/extra-typings';
import { examples } from './help.ts';
import { late } from './interrupt.ts';
import { addPictureFlags, pictureRules } from './pictureFlags.ts';
import type { Terminal } from './terminal.ts';

/** `encrypt`: an input to the ciphertext that goes to the server. */
export function addEncrypt(program: Command, terminal: () => Terminal): void {
  const command = program
    .command('encrypt')
    .description('encrypt an input for the server')
    .requiredOption('--plan <file>', 'the client plan, or - for stdin')
    .option('--secret-key <file>', 'the secret key of keygen, or - for stdin; for plans without a hint')
    .option('--hint <file>', 'the hint of the plan, or - for stdin; for plans that have one')
    .option('--one-time-key <file>', 'with a hint: where the key goes that reads the one response')
    .requiredOption(
      '-i, --input <file>',
      'a tensor (.npy, .json, .pb), a picture (.png, .jpg), or - for a JSON tensor on stdin',
    )
    .requiredOption('-o, --output <file>', 'where the ciphertext goes, or - for stdout');
  addPictureFlags(command);
  examples(command, [
    ['encrypt --plan client.json --secret-key secret.key -i x.npy -o upload.ct', 'what the server gets'],
    [
      'encrypt --plan client.json --hint hint.bin --one-time-key once.key -i x.npy -o upload.ct',
      'the same with a plan that has a hint',
    ],
  ]);
  command.action(async (flags, self) => {
    const { encrypt } = await late(import('./actions/encrypt.ts'));
    await encrypt(flags, pictureRules(self), terminal());
  });
}
