import type { Plan } from '../../compiler/lowerings/plan.ts';
import type { Tensor } from '../../compiler/base/tensor.ts';
import { createClient } from '../../runtime/client/client.ts';
import { createEvaluator } from '../../runtime/evaluator/evaluator.ts';
import { clientView } from '../../compiler/lowerings/views.ts';

export interface EncryptedRun {
  readonly outputs: readonly Tensor[];
  /** Smallest measured budget over all results of all inputs, bits. */
  readonly measuredBudgetBits: number;
}

/** Runs a plan under SEAL on each input with one key; the WASM objects are gone afterwards. */
export async function runEncrypted(plan: Plan, inputs: readonly Tensor[]): Promise<EncryptedRun> {
  const client = await createClient(clientView(plan));
  try {
    const evaluator = await createEvaluator(plan);
    try {
      evaluator.loadEvaluationKeys(client.evaluationKeys());
      let measuredBudgetBits = Infinity;
      const outputs = inputs.map((input) => {
        const results = evaluator.evaluate(client.encrypt(input));
        measuredBudgetBits = Math.min(measuredBudgetBits, client.measuredBudgetBits(results));
        return client.decrypt(results);
      });
      return { outputs, measuredBudgetBits };
    } finally {
      evaluator.dispose();
    }
  } finally {
    client.dispose();
  }
}
