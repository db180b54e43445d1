import type { ClientView } from '../../compiler/lowerings/plan.ts';
import { createRingClient } from './ringClient.ts';
import { createSealClient } from './sealClient.ts';
import type { Client, ClientOptions } from './types.ts';

export type { Client, ClientOptions } from './types.ts';

/**
 * A client of a plan of the standard protocol: with our own ring arithmetic, or with SEAL's where uploads carry SEAL's seeds.
 * @throws CipherconvError `plan-rejected` when SEAL does not take the plan's parameters, or the plan is one with hints.
 */
export async function createClient(view: ClientView, options: ClientOptions = {}): Promise<Client> {
  return view.wire.upload === 'seal-seeded'
    ? createSealClient(view, options)
    : createRingClient(view, options);
}
