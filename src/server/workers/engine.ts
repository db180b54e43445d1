import { internalError } from '../../../compiler/base/errors.ts';
import type { Part } from '../../../compiler/toeplitz/parts.ts';
import type { StoredPlan } from '../../frontend/planFile.ts';
import type { StoredNetwork } from '../../network/networkPlan.ts';
import { createNetworkServer } from '../networkServer.ts';
import { isNetwork } from '../plans.ts';
import { createPartServer, createPlanServer } from '../planServer.ts';
import type { PartServer, PlanServer } from '../planServer.ts';
import type { Engine } from './workerLoop.ts';
import { deepFreeze } from '../../../compiler/base/freeze.ts';

/** What of a worker's memory weights of all plans together may take; past it they are made at each use. */
const WEIGHT_SHARE = 1 / 4;
/** Parts of plans that stay prepared, and what the weights of all of them may take of a worker's memory. */
const MOST_PARTS = 16;
const PARTS_SHARE = 1 / 8;

/** The server has parsed and proved these plans; they come to the worker as it wrote them. */
function readPlans(text: string): (StoredPlan | StoredNetwork)[] {
  return deepFreeze(JSON.parse(text) as (StoredPlan | StoredNetwork)[]);
}

/** Parts are prepared when they are first asked for; those that were not used for longest are given up for others. */
class PreparedParts {
  readonly #weightMemoryBytes: number;
  readonly #prepared = new Map<string, PartServer>();

  constructor(weightMemoryBytes: number) {
    this.#weightMemoryBytes = weightMemoryBytes;
  }

  async of(stored: StoredPlan, part: Part): Promise<PartServer> {
    const name = `${stored.digest} ${part.kind} ${part.first} ${part.count}`;
    const server = this.#prepared.get(name) ?? (await this.#prepare(stored, part));
    // A Map keeps the order in which entries came: the last used stands last.
    this.#prepared.delete(name);
    this.#prepared.set(name, server);
    return server;
  }

  async #prepare(stored: StoredPlan, part: Part): Promise<PartServer> {
    const [oldest] = this.#prepared;
    if (oldest !== undefined && this.#prepared.size >= MOST_PARTS) {
      this.#prepared.delete(oldest[0]);
      oldest[1].dispose();
    }
    return createPartServer(stored, part, { weightMemoryBytes: this.#weightMemoryBytes });
  }
}

/** Evaluates with SEAL and the kernels, in this process. */
export async function createEngine(plansText: string, memoryBytes: number): Promise<Engine> {
  const plans = new Map(readPlans(plansText).map((stored) => [stored.digest, stored]));
  const weightMemoryBytes = Math.floor((memoryBytes * WEIGHT_SHARE) / plans.size);
  const servers = new Map<string, PlanServer>();
  for (const [digest, stored] of plans) {
    const server = isNetwork(stored)
      ? createNetworkServer(stored)
      : createPlanServer(stored, { weightMemoryBytes });
    servers.set(digest, await server);
  }
  const parts = new PreparedParts(Math.floor((memoryBytes * PARTS_SHARE) / MOST_PARTS));
  return {
    evaluate: async ({ digest, part }, message, keys) => {
      const stored = plans.get(digest);
      const server = servers.get(digest);
      if (stored === undefined || server === undefined)
        throw internalError('a worker is asked for a plan that it has not');
      if (part !== null) {
        if (isNetwork(stored)) throw internalError('a network has no parts');
        return (await parts.of(stored, part)).evaluate(message);
      }
      return keys === null ? server.evaluate(message) : server.evaluate(message, keys);
    },
  };
}
