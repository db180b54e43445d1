import type { Kernel, PlanKeys, UploadForm } from '../lowering/plan.ts';
import type { DiagonalsPlan, DiagonalsView } from '../diagonals/plan.ts';
import type { ToeplitzPlan, ToeplitzView } from '../toeplitz/plan.ts';

/**
 * A plan is plain, frozen, JSON data: everything that was decided and why. The program is a pure function of it
 * (program.ts), `verify` proves the two right against the spec, and the runtime executes them.
 */
export type Plan = ToeplitzPlan | DiagonalsPlan;

/** Names of the lowerings. */
export type Lowering = Plan['lowering'];

/** What a client knows of a plan. */
export type ClientView = ToeplitzView | DiagonalsView;

/** How uploads of a plan travel. */
export function uploadForm(plan: Plan): UploadForm {
  return 'execution' in plan ? plan.execution.upload : 'seal-seeded';
}

/** What executes a plan; rotations are SEAL's. */
export function kernelOf(plan: Plan): Kernel {
  return 'execution' in plan ? plan.execution.kernel : 'ntt';
}

/** The evaluation keys that a plan or its view needs; null for none. */
export function keysOf(plan: Plan | ClientView): PlanKeys | null {
  return 'keys' in plan && plan.keys.bytes > 0 ? plan.keys : null;
}

/** Bytes of the evaluation keys that the client sends once; 0 for none. */
export function keyBytes(plan: Plan | ClientView): number {
  return keysOf(plan)?.bytes ?? 0;
}
