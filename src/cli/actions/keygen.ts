import { CipherconvError } from '../../../compiler/base/errors.ts';
import { keyBytesOf } from '../../frontend/clientPlan.ts';
import type { ClientPlan } from '../../frontend/clientPlan.ts';
import { requireMissing, requireWritable, STANDARD_STREAM, writeWhole } from '../../frontend/files.ts';
import type { NamedFile, WriteOptions } from '../../frontend/files.ts';
import { loadClientPlan, requireSeparate, SECRET_MODE } from '../clientFiles.ts';
import { late } from '../interrupt.ts';
import type { Terminal } from '../terminal.ts';

interface KeygenFlags {
  readonly plan: string;
  readonly secretKey: string;
  readonly evaluationKeys?: string | undefined;
  readonly force?: true | undefined;
}

export async function keygen(flags: KeygenFlags, io: Terminal): Promise<void> {
  const secret = { what: '--secret-key', path: flags.secretKey };
  const evaluation =
    flags.evaluationKeys === undefined ? null : { what: '--evaluation-keys', path: flags.evaluationKeys };
  if (secret.path === STANDARD_STREAM)
    throw new CipherconvError({ code: 'usage', message: 'a secret key goes into a file, not to stdout' });
  const outputs = evaluation === null ? [secret] : [secret, evaluation];
  await requireSeparate([{ what: '--plan', path: flags.plan }], outputs);
  const existing = flags.force === true ? 'replace' : 'refuse';
  await requireFree(outputs, existing);
  const plan = await loadClientPlan(flags.plan);
  refuseWithHint(plan);
  if (evaluation === null) refuseWithoutKeys(plan);
  io.progress('keygen', 0, 1);
  // Loaded late: node-seal is large, and bad input is refused before.
  const { createPlanClient } = await late(import('../../client/client.ts'));
  const client = await createPlanClient(plan);
  try {
    const keys = client.evaluationKeys();
    const secretKey = client.exportSecretKey();
    io.endProgress();
    if (evaluation !== null) await writeWhole(evaluation.path, keys, { existing });
    await writeWhole(secret.path, secretKey, { existing, mode: SECRET_MODE });
    secretKey.fill(0);
  } finally {
    client.dispose();
  }
}

const FORCE_HINT = 'name another file, or replace it with --force: what was encrypted with it is lost';

/** Everything can be written, and nothing is there that must not be replaced. */
async function requireFree(
  outputs: readonly NamedFile[],
  existing: NonNullable<WriteOptions['existing']>,
): Promise<void> {
  for (const { path } of outputs) {
    if (existing === 'refuse') await requireMissing(path, FORCE_HINT);
    await requireWritable(path);
  }
}

function refuseWithHint({ hint }: ClientPlan): void {
  if (hint === null) return;
  throw new CipherconvError({
    code: 'usage',
    where: '--plan',
    message: 'the plan has a hint: every input has a key of its own, and there is none to keep',
    hint: 'encrypt --hint FILE --one-time-key KEY makes the key of one input',
  });
}

function refuseWithoutKeys(plan: ClientPlan): void {
  if (keyBytesOf(plan) === 0) return;
  throw new CipherconvError({
    code: 'usage',
    message: 'the plan rotates, so the server needs evaluation keys',
    hint: 'add --evaluation-keys FILE',
  });
}
