import type { Command } from '@commander-js/extra-typings';
import { readBytes, requireWritable, writeWhole } from '../frontend/files.ts';
import { loadServerPlan, naming, requireSeparate } from './clientFiles.ts';
import type { Terminal } from './terminal.ts';

/** `evaluate`: the server's part, on files. It needs no secret key and takes none. */
export function addEvaluate(program: Command, terminal: () => Terminal): void {
  program
    .command('evaluate')
    .description('evaluate a plan on a ciphertext, as the server does')
    .requiredOption('--plan <file>', 'the server plan, or - for stdin')
    .option('--evaluation-keys <file>', 'the evaluation keys of the client, which plans with rotations need')
    .requiredOption('-i, --input <file>', 'the ciphertext of encrypt, or - for stdin')
    .requiredOption('-o, --output <file>', 'where the result, a ciphertext, goes, or - for stdout')
    .action(async (flags) => {
      const io = terminal();
      const keyFile = flags.evaluationKeys;
      await requireSeparate(
        [
          { what: '--plan', path: flags.plan },
          { what: '--input', path: flags.input },
          ...(keyFile === undefined ? [] : [{ what: '--evaluation-keys', path: keyFile }]),
        ],
        [{ what: '--output', path: flags.output }],
      );
      await requireWritable(flags.output);
      const stored = await loadServerPlan(flags.plan);
      const upload = await readBytes(flags.input);
      const keys = keyFile === undefined ? null : { path: keyFile, bytes: await readBytes(keyFile) };
      io.progress('prepare', 0, 1);
      const { createPlanServer } = await import('../server/planServer.ts');
      const server = await createPlanServer(stored);
      try {
        if (keys !== null)
          naming(keys.path, () => {
            server.checkEvaluationKeys(keys.bytes);
          });
        io.progress('evaluate', 0, 1);
        const response = naming(flags.input, () => server.evaluate(upload, keys?.bytes));
        io.endProgress();
        await writeWhole(flags.output, response);
      } finally {
        server.dispose();
      }
    });
}
