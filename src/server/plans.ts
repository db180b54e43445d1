import { MessageCheck } from '../../runtime/wire/messageCheck.ts';
import { loadPacking } from '../../runtime/wire/packer.ts';
import type { StoredPlan } from '../frontend/planFile.ts';
import { describePlan } from './planServer.ts';
import type { PlanService } from './planServer.ts';
import { clientView } from '../../compiler/lowerings/views.ts';

/** A plan that is served: what is said of it, and the check of what is sent to it. */
export interface ServedPlan extends PlanService {
  readonly stored: StoredPlan;
  /** The client plan file, encoded once: whoever fetches it slowly holds no copy of its own. */
  readonly clientPlanBytes: Uint8Array<ArrayBuffer>;
  readonly check: MessageCheck;
}

/** The plans by digest, in the order in which they were given. */
export type ServedPlans = ReadonlyMap<string, ServedPlan>;

export async function servedPlans(plans: readonly StoredPlan[]): Promise<ServedPlans> {
  const packing = await loadPacking();
  return new Map(
    plans.map((stored) => {
      const check = new MessageCheck(packing, clientView(stored.plan), stored.digest);
      const service = describePlan(stored);
      const clientPlanBytes = new TextEncoder().encode(service.clientPlanText);
      return [stored.digest, { ...service, stored, clientPlanBytes, check }];
    }),
  );
}

/** The plans as workers get them. */
export function plansText(plans: ServedPlans): string {
  return JSON.stringify([...plans.values()].map(({ stored }) => stored));
}
