import { CipherconvError } from '../../compiler/base/errors.ts';
import type { StoredPlan } from '../frontend/planFile.ts';
import type { StoredNetwork } from '../network/networkPlan.ts';
import { ByteBudget } from './byteBudget.ts';
import type { KeyStoreLimits } from './keyStore.ts';
import { isNetwork } from './plans.ts';
import type { ServedPlans } from './plans.ts';
import type { ServiceSettings } from './settings.ts';

/** How much of what clients may hold, by the settings and by what the plans need. */

/** What one client may hold of `total`, but always `least`. */
export function shareOf(total: number, { addressShare }: ServiceSettings, least: number): number {
  return Math.max(least, Math.floor(total * addressShare));
}

export function keyLimits(plans: ServedPlans, settings: ServiceSettings): KeyStoreLimits {
  const { keysMemoryBytes, keysIdleMs, addressShare } = settings;
  const bytesPerClient = shareOf(keysMemoryBytes, settings, largest(plans, 'evaluationKeyBytes'));
  return { bytes: keysMemoryBytes, bytesPerClient, addressShare, idleMs: keysIdleMs };
}

/** Always two requests of the largest kind, and one of one client, whatever the setting. */
export function byteBudget(plans: ServedPlans, settings: ServiceSettings): ByteBudget {
  const exchange = largestExchange(plans);
  const total = Math.max(settings.bodyMemoryBytes, 2 * exchange);
  return new ByteBudget({ total, perClient: shareOf(total, settings, exchange) });
}

export function largest(
  plans: ServedPlans,
  key: 'uploadBytes' | 'responseBytes' | 'evaluationKeyBytes',
): number {
  return [...plans.values()].reduce((most, plan) => Math.max(most, plan[key]), 0);
}

/** What one request can take of the budget of bytes. */
function largestExchange(plans: ServedPlans): number {
  return [...plans.values()].reduce(
    (most, { uploadBytes, responseBytes, evaluationKeyBytes, hint }) =>
      Math.max(most, uploadBytes + responseBytes, evaluationKeyBytes, hint?.message.length ?? 0),
    0,
  );
}

export function requireKeysMemory(plans: ServedPlans, { keysMemoryBytes }: ServiceSettings): void {
  for (const { name, digest, evaluationKeyBytes, stored } of plans.values()) {
    if (evaluationKeyBytes <= keysMemoryBytes) continue;
    const isOff = keysMemoryBytes === 0;
    throw new CipherconvError({
      code: isOff ? 'unsupported' : 'usage',
      where: `${name} (${digest.slice(0, 16)}...)`,
      message: isOff
        ? 'the plan needs evaluation keys from its clients, and none are taken'
        : 'the evaluation keys of one client do not fit',
      expected: `${evaluationKeyBytes} bytes for each client`,
      found: `${keysMemoryBytes} bytes`,
      hint: `allow uploads of evaluation keys with --evaluation-keys-memory MiB${isNetwork(stored) ? '' : ', or compile with --lowering toeplitz'}`,
    });
  }
}

/** Room for the keys of some clients where a network is served: it is of no use without them. */
const NETWORK_KEYS_BYTES = 2 ** 28;
const NETWORK_KEY_SETS = 8;

/** What evaluation keys may take where nobody has said so: nothing, but for networks, which always need them. */
export function defaultKeysMemory(plans: readonly (StoredPlan | StoredNetwork)[]): number {
  const largestKeys = plans
    .filter((stored) => isNetwork(stored))
    .reduce((most, { plan }) => Math.max(most, plan.bytes.keys), 0);
  return largestKeys === 0 ? 0 : Math.max(NETWORK_KEYS_BYTES, NETWORK_KEY_SETS * largestKeys);
}
