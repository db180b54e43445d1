import type { Shortage } from './byteBudget.ts';
import { clientOfRequest, withBody } from './exchange.ts';
import { KEYS_HEADER, OCTETS } from './openapi.ts';
import { layerOf } from './layers.ts';
import type { ServedPlan } from './plans.ts';
import { malformedProblem, problem } from './problems.ts';
import { busy, noRoom, refuseOutcome, tooMany } from './refusals.ts';
import type { AppContext, AppState } from './state.ts';

/** The two requests that carry bytes of a client: uploads to evaluate, and evaluation keys. */

/** POST /v1/plans/{digest}/evaluate */
export async function evaluate(state: AppState, context: AppContext): Promise<Response> {
  const plan = state.plans.get(context.req.param('digest') ?? '');
  return plan === undefined ? problem('unknown-plan') : evaluatePlan(state, context, plan);
}

/** POST /v1/models/{digest}/layers/{index}/evaluate */
export async function evaluateLayer(state: AppState, context: AppContext): Promise<Response> {
  const layer = layerOf(state, context, 'index');
  return layer instanceof Response ? layer : evaluatePlan(state, context, layer);
}

async function evaluatePlan(state: AppState, context: AppContext, plan: ServedPlan): Promise<Response> {
  const refused = refuseMedia(context);
  if (refused !== null) return refused;
  const keys = keysOf(state, plan, context);
  if (keys instanceof Response) return keys;
  if (!state.pool.hasRoom) return busy('all workers are busy and the queue is full');
  const limits = { expected: plan.uploadBytes, largest: state.maxBody };
  return withBody(state, context, { limits, responseBytes: plan.responseBytes }, async (message, account) => {
    try {
      plan.check.upload(message);
    } catch (error) {
      return malformedProblem(error);
    }
    const shortage = account.take(plan.responseBytes);
    if (shortage !== null) return noRoom(shortage);
    const began = performance.now();
    const { signal } = context.req.raw;
    const outcome = await state.pool.run({ digest: plan.digest, part: null, message, keys, signal });
    if (outcome.kind !== 'done') return refuseOutcome(outcome);
    const ms = performance.now() - began;
    state.metrics.evaluations.observe(ms / 1000);
    context.set('bytesOut', outcome.response.length);
    return new Response(outcome.response, {
      headers: { 'content-type': OCTETS, 'server-timing': `evaluate;dur=${ms.toFixed(3)}` },
    });
  });
}

/** PUT /v1/plans/{digest}/evaluation-keys */
export async function storeKeys(state: AppState, context: AppContext): Promise<Response> {
  const plan = state.plans.get(context.req.param('digest') ?? '');
  return plan === undefined ? problem('unknown-plan') : storePlanKeys(state, context, plan);
}

/** PUT /v1/models/{digest}/layers/{index}/evaluation-keys */
export async function storeLayerKeys(state: AppState, context: AppContext): Promise<Response> {
  const layer = layerOf(state, context, 'index');
  return layer instanceof Response ? layer : storePlanKeys(state, context, layer);
}

async function storePlanKeys(state: AppState, context: AppContext, plan: ServedPlan): Promise<Response> {
  if (plan.evaluationKeyBytes === 0) {
    return problem('evaluation-keys-disabled', { detail: 'the plan needs no evaluation keys' });
  }
  const refused = refuseMedia(context);
  if (refused !== null) return refused;
  const client = clientOfRequest(context);
  const refuse = (shortage: Shortage): Response => {
    const seconds = state.keys.secondsToRoom(shortage === 'client' ? client : null);
    return shortage === 'client'
      ? tooMany('too many evaluation keys of this address are held', seconds)
      : busy('no room for more evaluation keys', seconds);
  };
  const shortage = state.keys.shortage(client, plan.evaluationKeyBytes);
  if (shortage !== null) return refuse(shortage);
  const limits = { expected: plan.evaluationKeyBytes, largest: plan.evaluationKeyBytes };
  return withBody(state, context, { limits, responseBytes: 0 }, (message) => {
    try {
      plan.check.keys(message);
    } catch (error) {
      return malformedProblem(error);
    }
    const added = state.keys.add(client, plan.digest, message);
    if (added.kind === 'no-room') return refuse(added.shortage);
    return new Response(new TextEncoder().encode(JSON.stringify({ id: added.id })), {
      status: 201,
      headers: { 'content-type': 'application/json' },
    });
  });
}

/** Bytes as they are, nothing to unpack. */
function refuseMedia({ req }: AppContext): Response | null {
  const type = req.header('content-type')?.split(';', 1)[0]?.trim().toLowerCase();
  if (type !== OCTETS) {
    return problem('unsupported-media-type', {
      field: 'Content-Type',
      expected: OCTETS,
      found: type === undefined ? 'none' : 'another',
    });
  }
  const encoding = req.header('content-encoding')?.trim().toLowerCase();
  if (encoding === undefined || encoding === 'identity') return null;
  return problem('unsupported-media-type', {
    field: 'Content-Encoding',
    expected: 'none',
    found: 'another',
    headers: { 'accept-encoding': 'identity' },
  });
}

/** The evaluation keys message that the request names; null for plans that need none. */
function keysOf({ keys }: AppState, plan: ServedPlan, { req }: AppContext): Uint8Array | null | Response {
  const id = req.header(KEYS_HEADER);
  if (plan.evaluationKeyBytes === 0) {
    if (id === undefined) return null;
    return problem('malformed', { field: KEYS_HEADER, detail: 'the plan needs no evaluation keys' });
  }
  if (id === undefined) {
    return problem('malformed', {
      field: KEYS_HEADER,
      detail: 'the plan needs evaluation keys',
      expected: 'the id that PUT .../evaluation-keys of this plan gave',
      found: 'no such header',
    });
  }
  return keys.use(id, plan.digest)?.message ?? problem('unknown-evaluation-keys', { field: KEYS_HEADER });
}
