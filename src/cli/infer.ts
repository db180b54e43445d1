import type { Command } from '@commander-js/extra-typings';
import { examples } from './help.ts';
import { late } from './interrupt.ts';
import { addPictureFlags, pictureRules } from './pictureFlags.ts';
import type { Terminal } from './terminal.ts';
import { wholeNumber } from './values.ts';

/** `infer`: whole inferences against a server, of a plan or a model. */
export function addInfer(program: Command, terminal: () => Terminal): void {
  const command = program
    .command('infer')
    .description('encrypt inputs, have a server compute, decrypt: whole inferences of a plan or a model')
    .requiredOption('--plan <file>', 'the client plan of a convolution or a model, or - for stdin')
    .requiredOption('--server <url>', 'address of the server, as serve tells it')
    .requiredOption(
      '-i, --input <file...>',
      'a tensor (.npy, .json, .pb), a stack of them along the first axis, a picture (.png, .jpg), a folder of these, or name=file for each input of a model',
    )
    .option('-o, --output <file>', 'where the output goes: .npy, .json, .pb, .png; for a folder, a folder')
    .option('--at-once <n>', 'inferences under way at the same time (default: 2)', wholeNumber(1, 64))
    .option('--json', 'print what was done as JSON');
  addPictureFlags(command);
  examples(command, [
    [
      'infer --plan net.client --server http://127.0.0.1:8080 -i x.npy -o y.npy',
      'one inference, round by round',
    ],
    [
      'infer --plan net.client --server http://127.0.0.1:8080 -i pictures -o results',
      'every input of a folder',
    ],
  ]);
  command.action(async (flags, self) => {
    const { infer } = await late(import('./actions/infer.ts'));
    await infer(flags, pictureRules(self), terminal());
  });
}
