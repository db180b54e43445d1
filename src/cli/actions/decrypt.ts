import { longWork } from '../../../runtime/longWork.ts';
import { readBytes } from '../../frontend/files.ts';
import { requireOutput, writeOutput } from '../../frontend/outputs.ts';
import { loadClientPlan, named, naming, readSecretKey, requireSeparate } from '../clientFiles.ts';
import { late } from '../interrupt.ts';
import type { Terminal } from '../terminal.ts';

interface DecryptFlags {
  readonly plan: string;
  readonly secretKey: string;
  readonly input: string;
  readonly output: string;
}

export async function decrypt(flags: DecryptFlags, io: Terminal): Promise<void> {
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
  const { createPlanClient } = await late(import('../../client/client.ts'));
  const client = await createPlanClient(plan, { secretKey }).catch((error: unknown) => {
    throw named(flags.secretKey, error);
  });
  try {
    const tensor = naming(flags.input, () => longWork(() => client.decrypt(response)));
    io.endProgress();
    await writeOutput(flags.output, tensor, plan.layout, io.notice);
  } finally {
    client.dispose();
  }
}
