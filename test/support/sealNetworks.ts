import { buildNetworkProgram } from '../../compiler/network/program.ts';
import type { NetworkProgram } from '../../compiler/network/program.ts';
import type { NetworkPlan } from '../../compiler/network/plan.ts';
import { networkView } from '../../compiler/network/view.ts';
import type { NetworkView } from '../../compiler/network/view.ts';
import { createNetworkClient } from '../../runtime/network/client.ts';
import type { NetworkClient } from '../../runtime/network/client.ts';
import { createNetworkEvaluator } from '../../runtime/network/evaluator.ts';
import type { NetworkEvaluator } from '../../runtime/network/evaluator.ts';

/** Client and evaluator of a plan, keys exchanged. */
export interface NetworkPair extends Disposable {
  readonly program: NetworkProgram;
  readonly view: NetworkView;
  readonly client: NetworkClient;
  readonly evaluator: NetworkEvaluator;
}

export async function openNetworkPair(
  plan: NetworkPlan,
  change: (view: NetworkView) => NetworkView = (view) => view,
): Promise<NetworkPair> {
  const program = buildNetworkProgram(plan.spec, plan.parameters.degree, plan.layout);
  const view = change(networkView(plan, program));
  const client = await createNetworkClient(view);
  const evaluator = await createNetworkEvaluator(plan);
  evaluator.loadEvaluationKeys(client.evaluationKeys());
  const dispose = (): void => {
    client.dispose();
    evaluator.dispose();
  };
  return { program, view, client, evaluator, [Symbol.dispose]: dispose };
}
