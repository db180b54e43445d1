import { CipherconvError } from '../../compiler/base/errors.ts';
import { encodeMessage } from '../../runtime/wire/message.ts';
import type { StoredPlan } from '../frontend/planFile.ts';
import { computeHint } from '../hint.ts';
import type { ComputeHintOptions, PlanWithHint } from '../hint.ts';

/**
 * The hint message of a plan of the hint protocol: what `GET /v1/plans/{digest}/hint` sends. Computed from the weights, in
 * the time of an evaluation or a few; the event loop gets its turns.
 * @throws CipherconvError `usage` for a plan of the standard protocol; `plan-rejected` for one that says something else of
 * its hint; the signal's reason.
 */
export async function hintMessage(
  stored: StoredPlan,
  options: ComputeHintOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  return messageOfHint(stored, await computeHint(stored, options));
}

/**
 * The message of a hint that was computed.
 * @throws CipherconvError `plan-rejected` for a plan that says something else of its hint
 */
export function messageOfHint(stored: StoredPlan, { plan, hint }: PlanWithHint): Uint8Array<ArrayBuffer> {
  if (plan.digest === stored.digest) return encodeMessage('hint', stored.digest, [hint]);
  throw new CipherconvError({
    code: 'plan-rejected',
    where: `${stored.plan.spec.name}: hint.sha256`,
    message: 'the hint of the plan is another one than the plan says',
    expected: stored.hint?.sha256 ?? 'none',
    found: plan.hint?.sha256 ?? 'none',
    hint: 'compile the plan again',
  });
}
