import { uploadForm } from '../compiler/lowerings/plan.ts';
import { hintSteps } from '../runtime/evaluator/hint.ts';
import { describeHint, publicSeedOf } from './frontend/planDigest.ts';
import { completePlan } from './frontend/planFile.ts';
import type { PlanCore, StoredPlan } from './frontend/planFile.ts';
import { finishInTurns } from './steps.ts';

/** A plan with hints, complete, and its hint. */
export interface PlanWithHint {
  /** The plan, which knows the hash of the hint. */
  readonly plan: StoredPlan;
  /** The hint: what clients download once. It holds no secret, but it shows the weights, as responses do. */
  readonly hint: Uint8Array<ArrayBuffer>;
}

/** A plan with its digest, and its hint; null for a plan of the standard protocol. */
export type CompletePlan =
  | PlanWithHint
  | {
      /** The plan, which has no hint. */
      readonly plan: StoredPlan;
      /** Nothing to download. */
      readonly hint: null;
    };

/**
 * Completes a plan, whatever its protocol: computes its hint where it has one.
 * @throws the signal's reason.
 */
export function complete(core: PlanCore, options: ComputeHintOptions = {}): Promise<CompletePlan> {
  if (uploadForm(core.plan) === 'hint') return computeHint(core, options);
  return Promise.resolve({ plan: completePlan(core, null), hint: null });
}

/** How a hint is computed; everything has a default. */
export interface ComputeHintOptions {
  /** Aborts the work, with its reason. */
  readonly signal?: AbortSignal;
  /** Called with the rows of the hint that are done, and their number. */
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Computes the hint of a plan of the hint protocol: once a plan, in the time of an evaluation or a few. The event loop
 * gets its turns.
 * @throws CipherconvError `usage` for a plan of the standard protocol; the signal's reason.
 */
export async function computeHint(core: PlanCore, options: ComputeHintOptions = {}): Promise<PlanWithHint> {
  const { signal, onProgress } = options;
  const progress = onProgress === undefined ? {} : { onProgress };
  const steps = await hintSteps(core.plan, { publicSeed: publicSeedOf(core), ...progress });
  const hint = await finishInTurns(signal, steps);
  return { plan: completePlan(core, describeHint(hint)), hint };
}
