import { longWork } from '../../../runtime/longWork.ts';
import { requireWritable, writeWhole } from '../../frontend/files.ts';
import type { PictureRules } from '../../frontend/pictureFit.ts';
import { inputTensor, loadInput } from '../../frontend/tensors.ts';
import { loadClientPlan, named, readSecretKey, requireSeparate } from '../clientFiles.ts';
import { late } from '../interrupt.ts';
import type { Terminal } from '../terminal.ts';

interface EncryptFlags {
  readonly plan: string;
  readonly secretKey: string;
  readonly input: string;
  readonly output: string;
}

export async function encrypt(flags: EncryptFlags, rules: PictureRules, io: Terminal): Promise<void> {
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
  const tensor = inputTensor(await loadInput(flags.input), view.shape, layout, io.notice, rules);
  io.progress('encrypt', 0, 1);
  const { createPlanClient } = await late(import('../../client/client.ts'));
  const client = await createPlanClient(plan, { secretKey }).catch((error: unknown) => {
    throw named(flags.secretKey, error);
  });
  try {
    const message = longWork(() => client.encrypt(tensor));
    io.endProgress();
    await writeWhole(flags.output, message);
  } finally {
    client.dispose();
  }
}
