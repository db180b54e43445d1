import { checkFlow, parseModel, refusal } from './checkFlow.ts';
import type { ModelPlan } from './modelPlan.ts';

/**
 * Checks what a compiled model's own file says.
 * @throws CipherconvError `malformed-plan` for a plan that `compileModel` cannot have made.
 */
export function checkModelPlan(plan: ModelPlan, file: string): void {
  const refuse = refusal(file, 'compile the model again');
  checkFlow(plan, ({ stored }) => stored.plan.spec, refuse);
  parseModel(plan.network.bytes, 'network', refuse);
}
