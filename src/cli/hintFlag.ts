import { CipherconvError } from '../../compiler/base/errors.ts';
import { encodeMessage } from '../../runtime/wire/message.ts';
import { writeWhole } from '../frontend/files.ts';
import type { StoredPlan } from '../frontend/planFile.ts';

/** `compile --hint FILE`: the hint message of the plan, as `GET /v1/plans/{digest}/hint` sends it. */

/**
 * Writes the hint of a plan, if a file for it was named.
 * @throws CipherconvError `usage` for a plan without one.
 */
export async function writeHint(
  file: string | undefined,
  { digest }: StoredPlan,
  hint: Uint8Array | null,
): Promise<void> {
  if (file === undefined) return;
  requirePlanHint(file, hint);
  if (hint !== null) await writeWhole(file, encodeMessage('hint', digest, [hint]));
}

/** @throws CipherconvError `usage` for a file that nothing would be written to. */
export function requirePlanHint(file: string | undefined, hint: Uint8Array | null): void {
  if (file === undefined || hint !== null) return;
  throw new CipherconvError({
    code: 'usage',
    where: '--hint',
    message: 'the plan has no hint',
    hint: 'leave --hint out, or add --protocol hint, or --inferences N for what a client asks for often',
  });
}

/** @throws CipherconvError `unsupported` for a model. */
export function refuseHintOfModel(file: string | undefined): void {
  if (file === undefined) return;
  throw new CipherconvError({
    code: 'unsupported',
    where: '--hint',
    message: 'not supported yet: the hints of a model in a file',
    hint: 'leave --hint out: serve MODEL.plan computes the hints of its layers and sends them',
  });
}

/** @throws CipherconvError `usage` for a network of one round. */
export function refuseHintOfNetwork(file: string | undefined): void {
  if (file === undefined) return;
  throw new CipherconvError({
    code: 'usage',
    where: '--hint',
    message:
      'a network of one round has no hint: hints save keys that serve once, and its keys serve every input',
    hint: 'leave --hint out',
  });
}
