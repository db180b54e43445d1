import { clientPlanOf } from '../frontend/clientPlan.ts';
import type { ClientLayer, ClientModel } from './clientModel.ts';
import { digested } from './clientModelFile.ts';
import type { JoinedModel } from './modelPlan.ts';

/** The client's part of a compiled model, under its digest. */
export function clientModelOf(plan: JoinedModel): ClientModel {
  const { name, inputs, outputs, segments, clear, macs } = plan;
  const rounds = plan.rounds.map((round) =>
    round.map(({ stored, ...cut }): ClientLayer => ({ ...cut, client: clientPlanOf(stored) })),
  );
  return digested({ name, inputs, outputs, segments, rounds, clear, macs });
}
