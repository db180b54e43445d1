import type { Command } from '@commander-js/extra-typings';
import { requireWritable, writeWhole } from '../frontend/files.ts';
import { inputTensor, loadInput } from '../frontend/tensors.ts';
import { loadClientPlan, named, readSecretKey, requireSeparate } from './clientFiles.ts';
import type { Terminal } from './terminal.ts';

/** `encrypt`: an input to the ciphertext that goes to the server. */
export function addEncrypt(program: Command, terminal: () => Terminal): void {
  program
    .command('encrypt')
    .description('encrypt an input for the server')
    .requiredOption('--plan <file>', 'the client plan, or - for stdin')
    .requiredOption('--secret-key <file>', 'the secret key of keygen, or - for stdin')
    .requiredOption(
      '-i, --input <file>',
      'a tensor (.npy, .json), a picture (.png), or - for a JSON tensor on stdin',
    )
    .requiredOption('-o, --output <file>', 'where the ciphertext goes, or - for stdout')
    .action(async (flags) => {
      const io = terminal();
      await requireSeparate(
        [
          { what: '--plan', path: flags.plan },
          { what: '--secret-key', path: flags.secretKey },
          { what: '--input', path: flags.input },
        ],
        [{ what: '--output', path: flags.output }],
      );
      await requireWritable(flags.output);
      const plan = await loadClientPlan(flags.plan);
      const secretKey = await readSecretKey(flags.secretKey, io.notice);
      const { view, layout } = plan;
      const tensor = inputTensor(await loadInput(flags.input), view.shape, layout, io.notice);
      io.progress('encrypt', 0, 1);
      const { createPlanClient } = await import('../client/client.ts');
      const client = await createPlanClient(plan, { secretKey }).catch((error: unknown) => {
        throw named(flags.secretKey, error);
      });
      try {
        const message = client.encrypt(tensor);
        io.endProgress();
        await writeWhole(flags.output, message);
      } finally {
        client.dispose();
      }
    });
}
