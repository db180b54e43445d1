import { checkNetwork } from './checkClearModel.ts';
import { checkFlow, refusal } from './checkFlow.ts';
import type { ModelPort } from './modelFlow.ts';
import type { ModelPlan } from './modelPlan.ts';

/**
 * Checks what a compiled model's own file says.
 * @throws CipherconvError `malformed-plan` for a plan that `compileModel` cannot have made.
 */
export function checkModelPlan(plan: ModelPlan, file: string): void {
  const refuse = refusal(file, 'compile the model again');
  checkFlow(plan, ({ stored }) => stored.plan.spec, refuse);
  checkNetwork(plan.network, { inputs: namesOf(plan.inputs), outputs: namesOf(plan.outputs) }, refuse);
}

function namesOf(ports: readonly ModelPort[]): string[] {
  return ports.map(({ name }) => name);
}
