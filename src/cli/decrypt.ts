import type { Command } from '@commander-js/extra-typings';
import { readBytes } from '../frontend/files.ts';
import { requireOutput, writeOutput } from '../frontend/outputs.ts';
import { loadClientPlan, named, naming, readSecretKey, requireSeparate } from './clientFiles.ts';
import type { Terminal } from './terminal.ts';

/** `decrypt`: the result of the server to the accumulators. */
export function addDecrypt(program: Command, terminal: () => Terminal): void {
  program
    .command('decrypt')
    .description('decrypt the result of the server')
    .requiredOption('--plan <file>', 'the client plan, or - for stdin')
    .requiredOption('--secret-key <file>', 'the secret key that the input was encrypted with, or - for stdin')
    .requiredOption('-i, --input <file>', 'the result of evaluate, or - for stdin')
    .requiredOption('-o, --output <file>', 'write the result: .npy, .json, .png, or - for JSON on stdout')
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
      await requireOutput(flags.output);
      const plan = await loadClientPlan(flags.plan);
      const secretKey = await readSecretKey(flags.secretKey, io.notice);
      const response = await readBytes(flags.input);
      io.progress('decrypt', 0, 1);
      const { createPlanClient } = await import('../client/client.ts');
      const client = await createPlanClient(plan, { secretKey }).catch((error: unknown) => {
        throw named(flags.secretKey, error);
      });
      try {
        const tensor = naming(flags.input, () => client.decrypt(response));
        io.endProgress();
        await writeOutput(flags.output, tensor, plan.layout, io.notice);
      } finally {
        client.dispose();
      }
    });
}
