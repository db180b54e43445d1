import { lstat, readlink, realpath, rm } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { CipherconvError } from '../../../compiler/base/errors.ts';
import type { Tensor } from '../../../compiler/base/tensor.ts';
import { longWork } from '../../../runtime/longWork.ts';
import type { ClientPlan } from '../../frontend/clientPlan.ts';
import { readBytes, reasonOf } from '../../frontend/files.ts';
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
  await removeKey(key.oneTimeKey, io.notice);
}

/**
 * The key itself, and a link that points straight at it. No other link, which need not be the user's: root can remove
 * /dev/stdin. The output is there, so a key that stays is no failure.
 */
async function removeKey(path: string, notice: (sentence: string) => void): Promise<void> {
  try {
    const file = await realpath(path);
    const isOwnLink = await pointsAtFile(path);
    await rm(file);
    if (isOwnLink) await rm(path, { force: true }).catch(() => undefined);
  } catch (error) {
    const reason = reasonOf(error);
    notice(
      `warning: ${path}: the one-time key cannot be taken away (${reason}): remove the file that it lies in`,
    );
  }
}

/** Whether it is a link to what is no link. */
async function pointsAtFile(path: string): Promise<boolean> {
  if (!(await lstat(path)).isSymbolicLink()) return false;
  const target = resolve(dirname(path), await readlink(path));
  return !(await lstat(target)).isSymbolicLink();
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
