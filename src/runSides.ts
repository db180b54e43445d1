import type { Tensor } from '../compiler/base/tensor.ts';
import type { Plan } from '../compiler/lowerings/plan.ts';
import { uploadForm } from '../compiler/lowerings/plan.ts';
import { clientView } from '../compiler/lowerings/views.ts';
import { createClient } from '../runtime/client/client.ts';
import type { Client } from '../runtime/client/client.ts';
import type { HintClient } from '../runtime/client/exchange.ts';
import { createHintClient } from '../runtime/client/hintClient.ts';
import type { TernaryKey } from '../runtime/client/types.ts';
import type { DisposableHandle } from '../runtime/disposable.ts';
import { hintSteps } from '../runtime/evaluator/hint.ts';
import { systemRandomBytes } from '../runtime/ring/systemRandom.ts';
import type { HintFacts } from './sealJudge.ts';
import { finishInTurns } from './steps.ts';

/** The client's side of a run, whichever protocol: what `src/run.ts` asks of it. */
export interface RunClient extends DisposableHandle {
  /** What the server needs to rotate ciphertexts. */
  readonly evaluationKeys: Uint8Array;
  /** What is made for one inference before its input is there. */
  prepare(): void;
  begin(input: Tensor): RunExchange;
}

/** One inference. */
interface RunExchange {
  readonly upload: readonly Uint8Array[];
  /** Bits, of the results as they came. */
  budgetBits(response: readonly Uint8Array[]): number;
  /** The secrets, for a judge. */
  keys(): readonly TernaryKey[];
  decrypt(response: readonly Uint8Array[]): Tensor;
}

/** The hint of a plan that has one. A run is client and server in one, so any public seed will do: a fresh one. */
export async function makeHint(plan: Plan, signal: AbortSignal | undefined): Promise<HintFacts | null> {
  if (uploadForm(plan) !== 'hint') return null;
  const publicSeed = systemRandomBytes(32);
  return { publicSeed, hint: await finishInTurns(signal, await hintSteps(plan, { publicSeed })) };
}

export async function openRunClient(plan: Plan, hints: HintFacts | null): Promise<RunClient> {
  const view = clientView(plan);
  if (hints !== null) return hintRunClient(await createHintClient(view, hints, { keepSecrets: true }));
  const client = await createClient(view);
  try {
    return standardRunClient(client, client.evaluationKeys());
  } catch (error) {
    client.dispose();
    throw error;
  }
}

function hintRunClient(client: HintClient): RunClient {
  return {
    evaluationKeys: new Uint8Array(0),
    prepare: () => {
      client.prepare(1);
    },
    begin: (input) => {
      const exchange = client.begin(input);
      return {
        upload: exchange.upload,
        budgetBits: (response) => exchange.measuredBudgetBits(response),
        keys: () => exchange.secrets().map((secret) => secret.slice()),
        decrypt: (response) => exchange.decrypt(response),
      };
    },
    ...disposing(client),
  };
}

function standardRunClient(client: Client, evaluationKeys: Uint8Array): RunClient {
  return {
    evaluationKeys,
    prepare: () => undefined,
    begin: (input) => ({
      upload: client.encrypt(input),
      budgetBits: (response) => client.measuredBudgetBits(response),
      keys: () => [client.secretKey()],
      decrypt: (response) => client.decrypt(response),
    }),
    ...disposing(client),
  };
}

function disposing(client: DisposableHandle): DisposableHandle {
  const dispose = (): void => {
    client.dispose();
  };
  return { dispose, [Symbol.dispose]: dispose };
}
