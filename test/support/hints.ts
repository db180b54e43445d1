import { clientView } from '../../compiler/lowerings/views.ts';
import type { ToeplitzPlan } from '../../compiler/toeplitz/plan.ts';
import { createHintClient } from '../../runtime/client/hintClient.ts';
import type { HintClient, HintClientOptions } from '../../runtime/client/exchange.ts';
import { publicSeedOf } from '../../src/frontend/planDigest.ts';
import { planCore } from '../../src/frontend/planFile.ts';
import { computeHint } from '../../src/hint.ts';

/** A plan's hint, and a client that has it. */
export interface HintedPlan {
  readonly publicSeed: Uint8Array;
  readonly hint: Uint8Array;
  readonly client: HintClient;
}

export async function hinted(plan: ToeplitzPlan, options: HintClientOptions = {}): Promise<HintedPlan> {
  const core = planCore(plan, 'NCHW');
  const publicSeed = publicSeedOf(core);
  const { hint } = await computeHint(core);
  const client = await createHintClient(clientView(plan), { publicSeed, hint }, options);
  return { publicSeed, hint, client };
}
