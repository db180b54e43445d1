import { CipherconvError } from '../../compiler/base/errors.ts';
import { messageForm } from '../../runtime/wire/lengths.ts';
import type { MessageForm, MessageLengths } from '../../runtime/wire/lengths.ts';
import { MessageCheck } from '../../runtime/wire/messageCheck.ts';
import { loadPacking } from '../../runtime/wire/packer.ts';
import type { StoredPlan } from '../frontend/planFile.ts';
import { servedHints } from './hintThreads.ts';
import type { HintWork, ServedHint } from './hintThreads.ts';
import type { StoredNetwork } from '../network/networkPlan.ts';
import { describeNetwork, networkForm } from './networkServer.ts';
import { describePlan } from './planServer.ts';
import type { PlanService } from './planServer.ts';
import { clientView } from '../../compiler/lowerings/views.ts';

/** A plan that is served: what is said of it, and the check of what is sent to it. */
export interface ServedPlan extends PlanService {
  /** What workers evaluate with: a convolution, or a network of one round. */
  readonly stored: StoredPlan | StoredNetwork;
  /** The client plan file, encoded once: whoever fetches it slowly holds no copy of its own. */
  readonly clientPlanBytes: Uint8Array<ArrayBuffer>;
  readonly check: MessageCheck;
  /** Of the parts of its messages. */
  readonly lengths: MessageLengths;
  /** Null for a plan of the standard protocol. */
  readonly hint: ServedHint | null;
}

/** The plans by digest, in the order in which they were given. */
export type ServedPlans = ReadonlyMap<string, ServedPlan>;

/**
 * Computes the hints, which takes as long as an evaluation or a few each: before anybody is told that the plans are there.
 * Equal plans are served, and their hints computed, once.
 * @throws CipherconvError `plan-rejected` for a plan whose hint is another one than it says.
 */
export async function servedPlans(
  plans: readonly (StoredPlan | StoredNetwork)[],
  work: HintWork,
): Promise<ServedPlans> {
  const packing = await loadPacking();
  const convolutions = plans.filter((stored): stored is StoredPlan => !isNetwork(stored));
  const hints = await servedHints(convolutions, work);
  const served = new Map<string, ServedPlan>();
  for (const stored of plans) {
    if (served.has(stored.digest)) continue;
    const service = describe(stored);
    served.set(stored.digest, {
      ...service,
      stored,
      clientPlanBytes: new TextEncoder().encode(service.clientPlanText),
      check: new MessageCheck(packing, service.form, stored.digest),
      lengths: service.form.lengths,
      hint: hints.get(stored.digest) ?? null,
    });
  }
  return served;
}

function describe(stored: StoredPlan | StoredNetwork): PlanService & { readonly form: MessageForm } {
  if (!isNetwork(stored)) return { ...describePlan(stored), form: messageForm(clientView(stored.plan)) };
  const form = networkForm(stored);
  return { ...describeNetwork(stored, form), form };
}

/** A network of one round, where both kinds are served alike. */
export function isNetwork(stored: StoredPlan | StoredNetwork): stored is StoredNetwork {
  return 'kind' in stored;
}

/** Where networks are not taken yet. */
export function noNetworks({ plan, digest }: StoredNetwork): CipherconvError {
  return new CipherconvError({
    code: 'unsupported',
    where: `${plan.spec.name} (${digest.slice(0, 16)}...)`,
    message: 'not supported yet: a network of one round on a farm',
    hint: 'serve it without a farm: cipherconv serve FILE',
  });
}

/** What the hints take together. */
export function hintBytes(plans: readonly ServedPlan[]): number {
  return plans.reduce((sum, { hint }) => sum + (hint?.message.length ?? 0), 0);
}

/** The plans as workers get them: JSON, one a line, so that a worker need not hold all of them as objects. */
export function plansLines(plans: ServedPlans): Uint8Array {
  const encoder = new TextEncoder();
  return Buffer.concat(
    [...plans.values()].map(({ stored }) => encoder.encode(`${JSON.stringify(stored)}\n`)),
  );
}
