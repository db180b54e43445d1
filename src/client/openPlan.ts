import type { ClientPlan } from '../frontend/clientPlan.ts';
import { createPlanClient } from './client.ts';
import type { PlanClientOptions } from './client.ts';
import type { Endpoint } from './endpoint.ts';
import { defaultHintCache } from './hintCache.ts';
import type { HintCache } from './hintCache.ts';
import { fetchHint } from './hintDownload.ts';
import { remotePlan } from './remotePlan.ts';
import type { RemotePlan } from './remotePlan.ts';

/** Where hints are kept. */
export interface HintOptions {
  /**
   * Where hints are kept between programs; null: nowhere. Default: in browsers the Cache API, in Node the folder
   * `cipherconv/hints` where the system keeps caches.
   */
  readonly hintCache?: HintCache | null;
}

/** Where a plan is served. */
interface ServedAt {
  readonly endpoint: Endpoint;
  /** Where its hint is: an endpoint, and the path that follows the endpoint's own. */
  readonly hint: { readonly endpoint: Endpoint; readonly path: string };
}

/**
 * A client of a plan at the place where it is served; fetches the hint of a plan that has one.
 * @throws CipherconvError as `createPlanClient` does, `malformed-message` or `wrong-plan` for a hint that is not the plan's;
 * ServerError; the reason of the signal
 */
export async function openPlan(
  plan: ClientPlan,
  { endpoint, hint }: ServedAt,
  options: HintOptions & Pick<PlanClientOptions, 'secretKey'> & { readonly signal?: AbortSignal },
): Promise<RemotePlan> {
  const key = options.secretKey === undefined ? {} : { secretKey: options.secretKey };
  if (plan.hint === null) return remotePlan(await createPlanClient(plan, key), endpoint);
  const signal = options.signal ?? null;
  const ask = (headers: Readonly<Record<string, string>>): Promise<Response> =>
    hint.endpoint.ask({ method: 'GET', path: hint.path, headers, body: null, signal });
  const cache = options.hintCache === undefined ? defaultHintCache() : options.hintCache;
  const payload = await fetchHint(plan, ask, cache, signal);
  return remotePlan(await createPlanClient(plan, { ...key, hint: payload }), endpoint);
}
