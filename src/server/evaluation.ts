import { KEYS_HEADER, OCTETS } from './openapi.ts';
import type { ServedPlan } from './plans.ts';
import { malformedProblem, problem } from './problems.ts';
import { readBody, refuseAnnounced } from './requestBody.ts';
import type { BodyLimits, RefusedBody } from './requestBody.ts';
import type { AppContext, AppState } from './state.ts';
import type { JobOutcome } from './workers/pool.ts';

/** The two requests that carry bytes of a client: uploads to evaluate, and evaluation keys. */

/** Seconds after which it is worth asking a busy server again. */
const RETRY_SECONDS = 1;
/** For a client that is not there any more to read it; only logs show it. */
const CLIENT_CLOSED = 499;

/** POST /v1/plans/{digest}/evaluate */
export async function evaluate(state: AppState, context: AppContext): Promise<Response> {
  const plan = state.plans.get(context.req.param('digest') ?? '');
  if (plan === undefined) return problem('unknown-plan');
  const refused = refuseMedia(context);
  if (refused !== null) return refused;
  const keys = keysOf(state, plan, context);
  if (keys instanceof Response) return keys;
  if (!state.pool.hasRoom) return busy('all workers are busy and the queue is full');
  const limits = { expected: plan.uploadBytes, largest: state.maxBody };
  return withBody(state, context, limits, plan.responseBytes, async (message) => {
    try {
      plan.check.upload(message);
    } catch (error) {
      return malformedProblem(error);
    }
    const began = performance.now();
    const { signal } = context.req.raw;
    const outcome = await state.pool.run({ digest: plan.digest, message, keys, signal });
    if (outcome.kind !== 'done') return refusal(outcome);
    state.metrics.evaluations.observe((performance.now() - began) / 1000);
    context.set('bytesOut', outcome.response.length);
    return new Response(outcome.response, { headers: { 'content-type': OCTETS } });
  });
}

/** PUT /v1/plans/{digest}/evaluation-keys */
export async function storeKeys(state: AppState, context: AppContext): Promise<Response> {
  const plan = state.plans.get(context.req.param('digest') ?? '');
  if (plan === undefined) return problem('unknown-plan');
  if (plan.evaluationKeyBytes === 0) {
    return problem('evaluation-keys-disabled', { detail: 'the plan needs no evaluation keys' });
  }
  const refused = refuseMedia(context);
  if (refused !== null) return refused;
  const full = (): Response => busy('no room for more evaluation keys', state.keys.secondsToRoom());
  if (!state.keys.hasRoom(plan.evaluationKeyBytes)) return full();
  const limits = { expected: plan.evaluationKeyBytes, largest: plan.evaluationKeyBytes };
  return withBody(state, context, limits, 0, (message) => {
    try {
      plan.check.keys(message);
    } catch (error) {
      return malformedProblem(error);
    }
    const id = state.keys.add(plan.digest, message);
    if (id === null) return full();
    return new Response(new TextEncoder().encode(JSON.stringify({ id })), {
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
      expected: `the id that PUT /v1/plans/${plan.digest}/evaluation-keys gave`,
      found: 'no such header',
    });
  }
  return keys.use(id, plan.digest)?.message ?? problem('unknown-evaluation-keys', { field: KEYS_HEADER });
}

/** Receives the body and hands it on. Its bytes, and those of the response, count as taken until the response is sent. */
async function withBody(
  state: AppState,
  context: AppContext,
  limits: BodyLimits,
  responseBytes: number,
  use: (bytes: Uint8Array) => Response | Promise<Response>,
): Promise<Response> {
  const { incoming, outgoing } = context.env;
  const announced = refuseAnnounced(incoming.headers['content-length'], limits);
  if (announced !== null) return refuseBody(announced, limits);
  const giveBack = state.budget.take(limits.expected + responseBytes);
  if (giveBack === null) return busy('too many bytes are under way');
  outgoing.once('close', giveBack);
  if (outgoing.closed) giveBack();
  const body = await readBody(incoming, limits);
  if (body.kind !== 'whole') return refuseBody(body, limits);
  context.set('bytesIn', body.bytes.length);
  const response = await use(body.bytes);
  endSlowReader(outgoing, state.sendTimeoutMs);
  return response;
}

/** Whoever does not fetch a response within the time loses the connection. */
function endSlowReader(outgoing: AppContext['env']['outgoing'], timeoutMs: number): void {
  if (outgoing.closed) return;
  const timer = setTimeout(() => outgoing.destroy(), timeoutMs);
  outgoing.once('close', () => {
    clearTimeout(timer);
  });
}

function refuseBody(body: RefusedBody, limits: BodyLimits): Response {
  switch (body.kind) {
    case 'too-large':
      return problem('body-too-large', { expected: `at most ${limits.largest} bytes` });
    case 'wrong-length':
      return problem('malformed', {
        field: 'length',
        detail: 'the message has not the length that the plan says',
        expected: `${limits.expected} bytes`,
        found: body.found,
      });
    case 'gone':
      return new Response(null, { status: CLIENT_CLOSED });
    default:
      return body satisfies never;
  }
}

function busy(detail: string, retryAfter: number = RETRY_SECONDS): Response {
  return problem('busy', { detail, retryAfter });
}

function refusal(outcome: Exclude<JobOutcome, { kind: 'done' }>): Response {
  switch (outcome.kind) {
    case 'refused': {
      const { message, where, expected, found } = outcome.details;
      return problem('malformed', { detail: message, field: where, expected, found });
    }
    case 'queue-full':
      return busy('all workers are busy and the queue is full');
    case 'deadline':
      return problem('deadline');
    case 'abandoned':
      return new Response(null, { status: CLIENT_CLOSED });
    case 'lost':
      return problem('worker-lost', {
        detail: 'the request may be sent again',
        retryAfter: RETRY_SECONDS,
      });
    case 'failed':
      return problem('evaluation-failed', {
        detail:
          outcome.reason === 'memory' ? 'it needs more memory than a worker has' : 'the worker was replaced',
      });
    default:
      return outcome satisfies never;
  }
}
