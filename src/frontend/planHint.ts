import type { ErrorDetails } from '../../compiler/base/errors.ts';
import { protocolOf } from '../../compiler/lowering/plan.ts';
import type { ClientView } from '../../compiler/lowerings/plan.ts';
import { hintBytes } from '../../compiler/toeplitz/hint.ts';
import type { PlanHint } from './planDigest.ts';

/** What is wrong with what a plan says of its hint: it has one exactly with hints, of just so many bytes. Or null. */
export function hintFault(
  view: ClientView,
  hint: PlanHint | null,
): Pick<ErrorDetails, 'where' | 'message' | 'expected' | 'found'> | null {
  const expected = view.lowering === 'toeplitz' && protocolOf(view.wire) === 'hint' ? hintBytes(view) : null;
  if (expected === (hint?.bytes ?? null)) return null;
  return {
    where: 'hint',
    message: "not the size of this plan's hint",
    expected: expected === null ? 'none: uploads have a c1 of their own' : `${expected} bytes`,
    found: hint === null ? 'none' : `${hint.bytes} bytes`,
  };
}
