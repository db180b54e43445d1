import { realpath, rm } from 'node:fs/promises';
import { CipherconvError } from '../../../compiler/base/errors.ts';
import type { Tensor } from '../../../compiler/base/tensor.ts';
import { longWork } from '../../../runtime/longWork.ts';
import type { ClientPlan } from '../../frontend/clientPlan.ts';
import { readBytes } from '../../frontend/files.ts';
import { requireOutput, writeOutput } from '../../frontend/outputs.ts';
import { loadClientPlan, named, naming, readSecretKey, requireSeparate } from '../clientFiles.ts';
import { late } from '../interrupt.ts';
import { decryptingKey } from '../keyFlags.ts';
import type { Terminal } from '../terminal.ts';

interface DecryptFlags {
  readonly plan: string;
  readonly secretKey?: string | undefined;
  readonly oneTimeKey?: string | undefined;
  readonly input: string;
  readonly output: string;
}

export async function decrypt(flags: DecryptFlags, io: Terminal): Promise<void> {
  const { secretKey, oneTimeKey } = flags;
  await requireSeparate(
    [
      { what: '--plan', path: flags.plan },
      ...(secretKey === undefined ? [] : [{ what: '--secret-key', path: secretKey }]),
      ...(oneTimeKey === undefined ? [] : [{ what: '--one-time-key', path: oneTimeKey }]),
      { what: '--input', path: flags.input },
    ],
    [{ what: '--output', path: flags.output }],
  );
  await requireOutput(flags.output);
  const plan = await loadClientPlan(flags.plan);
  const key = decryptingKey(plan, flags);
  if (key.kind === 'secret-key') {
    const tensor = await decryptWithKey(plan, key.secretKey, flags.input, io);
    await writeOutput(flags.output, tensor, plan.layout, io.notice);
    return;
  }
  const tensor = await decryptOnce(plan, key.oneTimeKey, flags.input, io);
  await writeOutput(flags.output, tensor, plan.layout, io.notice);
  // Not before the output is there; and it reads nothing else.
  await removeKey(key.oneTimeKey);
}

/** The key itself, also where the path is a link to it. */
async function removeKey(path: string): Promise<void> {
  await rm(await realpath(path));
  await rm(path, { force: true });
}

async function decryptWithKey(
  plan: ClientPlan,
  keyFile: string,
  input: string,
  io: Terminal,
): Promise<Tensor> {
  const secretKey = await readSecretKey(keyFile, io.notice);
  const response = await readBytes(input);
  io.progress('decrypt', 0, 1);
  const { createPlanClient } = await late(import('../../client/client.ts'));
  const client = await createPlanClient(plan, { secretKey }).catch((error: unknown) => {
    throw named(keyFile, error);
  });
  try {
    const tensor = naming(input, () => longWork(() => client.decrypt(response)));
    io.endProgress();
    return tensor;
  } finally {
    client.dispose();
  }
}

async function decryptOnce(plan: ClientPlan, keyFile: string, input: string, io: Terminal): Promise<Tensor> {
  const key = await readSecretKey(keyFile, io.notice).catch((error: unknown) => {
    throw usedUp(keyFile, error);
  });
  const response = await readBytes(input);
  io.progress('decrypt', 0, 1);
  const { decryptWithOneTimeKey } = await late(import('../../client/client.ts'));
  try {
    const tensor = await decryptWithOneTimeKey(plan, key, response);
    io.endProgress();
    return tensor;
  } catch (error) {
    throw named(isAboutKey(error) ? keyFile : input, error);
  } finally {
    key.fill(0);
  }
}

function isAboutKey(error: unknown): boolean {
  return error instanceof CipherconvError && error.details.where === 'one-time key';
}

/** A key that is not there has most likely done what it was for. */
function usedUp(path: string, error: unknown): unknown {
  if (!(error instanceof CipherconvError) || error.code !== 'unreadable') return error;
  const hint = 'a one-time key reads one response, and decrypt takes it away then: encrypt again';
  return new CipherconvError({ ...error.details, where: path, hint }, { cause: error });
}
