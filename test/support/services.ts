import type { Plan } from '../../compiler/lowerings/plan.ts';
import type { Tensor } from '../../compiler/base/tensor.ts';
import { createPlanClient, parseClientPlan } from '../../src/client/index.ts';
import type { PlanClient } from '../../src/client/index.ts';
import { storedPlan } from '../../src/frontend/planFile.ts';
import type { StoredPlan } from '../../src/frontend/planFile.ts';
import type { TensorLayout } from '../../src/frontend/schema.ts';
import { createPlanServer } from '../../src/server/index.ts';
import type { PlanServer } from '../../src/server/index.ts';

/** Client and server of one plan; the client knows what the client plan file says and nothing else. */
export interface Services {
  readonly stored: StoredPlan;
  readonly client: PlanClient;
  readonly server: PlanServer;
}

/** Runs `use` with both and deletes them, also after a throw. */
export async function withServices<T>(
  plan: Plan,
  use: (services: Services) => T | Promise<T>,
  options: { readonly secretKey?: Uint8Array; readonly layout?: TensorLayout } = {},
): Promise<T> {
  const stored = storedPlan(plan, options.layout ?? 'NCHW');
  const server = await createPlanServer(stored);
  try {
    const key = options.secretKey === undefined ? {} : { secretKey: options.secretKey };
    const client = await createPlanClient(parseClientPlan(server.clientPlanText, 'served'), key);
    try {
      return await use({ stored, client, server });
    } finally {
      client.dispose();
    }
  } finally {
    server.dispose();
  }
}

/** What comes back for an input, through messages. */
export function ask({ client, server }: Services, input: Tensor): Tensor {
  return client.decrypt(server.evaluate(client.encrypt(input), client.evaluationKeys()));
}
