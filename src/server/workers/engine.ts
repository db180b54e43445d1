import { internalError } from '../../../compiler/base/errors.ts';
import type { StoredPlan } from '../../frontend/planFile.ts';
import { createPlanServer } from '../planServer.ts';
import type { PlanServer } from '../planServer.ts';
import type { Engine } from './workerLoop.ts';
import { deepFreeze } from '../../../compiler/base/freeze.ts';

/** What of a worker's memory weights of all plans together may take; past it they are made at each use. */
const WEIGHT_SHARE = 1 / 4;

/** The server has parsed and proved these plans; they come to the worker as it wrote them. */
function readPlans(text: string): StoredPlan[] {
  return deepFreeze(JSON.parse(text) as StoredPlan[]);
}

/** Evaluates with SEAL and the kernels, in this process. */
export async function createEngine(plansText: string, memoryBytes: number): Promise<Engine> {
  const plans = readPlans(plansText);
  const weightMemoryBytes = Math.floor((memoryBytes * WEIGHT_SHARE) / plans.length);
  const servers = new Map<string, PlanServer>();
  for (const stored of plans) {
    servers.set(stored.digest, await createPlanServer(stored, { weightMemoryBytes }));
  }
  return {
    evaluate: (digest, message, keys) => {
      const server = servers.get(digest);
      if (server === undefined) throw internalError('a worker is asked for a plan that it has not');
      return keys === null ? server.evaluate(message) : server.evaluate(message, keys);
    },
  };
}
