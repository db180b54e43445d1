import { compileSpec } from '../../compiler/lowerings/compile.ts';
import { clientPlanOf, encodeClientPlan } from '../../src/frontend/clientPlan.ts';
import { digestsOf } from '../../src/frontend/planDigest.ts';
import type { PlanHint } from '../../src/frontend/planDigest.ts';
import { storedPlan } from '../../src/frontend/planFile.ts';
import { diagonals, square } from '../support/diagonals.ts';
import { simpleSpec } from '../support/simple.ts';

/** A small plan, its stored form and the texts of client plans: of the small one, and of one with rotations. */
export const plan = compileSpec(simpleSpec({ bias: [-7] }));
export const stored = storedPlan(plan, 'NHWC');
export const text = encodeClientPlan(clientPlanOf(stored));
export const rotating = encodeClientPlan(clientPlanOf(storedPlan(diagonals(square(3, 1)), 'NCHW')));

/** The client plan text with a digest that fits what it says: only the checks of its content can refuse it. */
export function withDigest(written: string): string {
  const { commitment, hint, ...part } = JSON.parse(written) as {
    commitment: string;
    hint: PlanHint | null;
    digest?: string;
  };
  delete part.digest;
  return JSON.stringify({ ...part, commitment, hint, digest: digestsOf(part, commitment, hint).digest });
}
