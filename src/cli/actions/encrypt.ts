import { rm } from 'node:fs/promises';
import type { Tensor } from '../../../compiler/base/tensor.ts';
import { longWork } from '../../../runtime/longWork.ts';
import type { ClientPlan } from '../../frontend/clientPlan.ts';
import { readBytes, requireMissing, requireWritable, writeWhole } from '../../frontend/files.ts';
import type { PictureRules } from '../../frontend/pictureFit.ts';
import { inputTensor, loadInput } from '../../frontend/tensors.ts';
import {
  loadClientPlan,
  named,
  naming,
  readSecretKey,
  requireSeparate,
  SECRET_MODE,
} from '../clientFiles.ts';
import { late } from '../interrupt.ts';
import { encryptingKey } from '../keyFlags.ts';
import type { Terminal } from '../terminal.ts';

interface EncryptFlags {
  readonly plan: string;
  readonly secretKey?: string | undefined;
  readonly hint?: string | undefined;
  readonly oneTimeKey?: string | undefined;
  readonly input: string;
  readonly output: string;
}

const USED_HINT = 'name another file: one that is there may still have a response to read';

export async function encrypt(flags: EncryptFlags, rules: PictureRules, io: Terminal): Promise<void> {
  const { secretKey, hint, oneTimeKey } = flags;
  await requireSeparate(
    [
      { what: '--plan', path: flags.plan },
      ...(secretKey === undefined ? [] : [{ what: '--secret-key', path: secretKey }]),
      ...(hint === undefined ? [] : [{ what: '--hint', path: hint }]),
      { what: '--input', path: flags.input },
    ],
    [
      { what: '--output', path: flags.output },
      ...(oneTimeKey === undefined ? [] : [{ what: '--one-time-key', path: oneTimeKey }]),
    ],
  );
  await requireWritable(flags.output);
  const plan = await loadClientPlan(flags.plan);
  const key = encryptingKey(plan, flags);
  if (key.kind === 'one-time') {
    await requireMissing(key.oneTimeKey, USED_HINT);
    await requireWritable(key.oneTimeKey);
  }
  const { view, layout } = plan;
  const read = async (): Promise<Tensor> =>
    inputTensor(await loadInput(flags.input), view.shape, layout, io.notice, rules);
  if (key.kind === 'one-time') await encryptOnce(plan, key, await read(), flags.output, io);
  else await encryptWithKey(plan, key.secretKey, read, flags.output, io);
}

async function encryptWithKey(
  plan: ClientPlan,
  keyFile: string,
  read: () => Promise<Tensor>,
  output: string,
  io: Terminal,
): Promise<void> {
  const secretKey = await readSecretKey(keyFile, io.notice);
  const tensor = await read();
  io.progress('encrypt', 0, 1);
  const { createPlanClient } = await late(import('../../client/client.ts'));
  const client = await createPlanClient(plan, { secretKey }).catch((error: unknown) => {
    throw named(keyFile, error);
  });
  try {
    const message = longWork(() => client.encrypt(tensor));
    io.endProgress();
    await writeWhole(output, message);
  } finally {
    client.dispose();
  }
}

/** The key is there before the upload: an upload whose response nobody can read must not go out. */
async function encryptOnce(
  plan: ClientPlan,
  { hint, oneTimeKey }: { readonly hint: string; readonly oneTimeKey: string },
  tensor: Tensor,
  output: string,
  io: Terminal,
): Promise<void> {
  const message = await readBytes(hint);
  io.progress('encrypt', 0, 1);
  const { createPlanClient } = await late(import('../../client/client.ts'));
  const { hintPayload } = await late(import('../../client/hintDownload.ts'));
  const client = await createPlanClient(plan, { hint: naming(hint, () => hintPayload(plan, message)) });
  try {
    const exchange = longWork(() => client.begin(tensor));
    const key = exchange.exportOneTimeKey();
    io.endProgress();
    await writeWhole(oneTimeKey, key, { existing: 'refuse', mode: SECRET_MODE });
    key.fill(0);
    // Nobody has the upload then, and its key is of no use.
    await writeWhole(output, exchange.upload).catch(async (error: unknown) => {
      await rm(oneTimeKey, { force: true });
      throw error;
    });
  } finally {
    client.dispose();
  }
}
