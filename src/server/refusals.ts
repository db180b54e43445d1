import type { Shortage } from './byteBudget.ts';
import { problem } from './problems.ts';
import type { BodyLimits, RefusedBody } from './requestBody.ts';
import type { JobOutcome } from './workers/pool.ts';

/** Refusals of requests that carry bytes, by the reason. */

/** Seconds after which it is worth asking a busy server again. */
const RETRY_SECONDS = 1;
/** For a client that is not there any more to read it; only logs show it. */
const CLIENT_CLOSED = 499;

export function refuseBody(body: RefusedBody, limits: BodyLimits): Response {
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
    case 'too-slow':
      // The rest of the body is not waited for.
      return problem('too-slow', { headers: { connection: 'close' } });
    case 'no-room':
      return noRoom(body.shortage, { connection: 'close' });
    case 'gone':
      return new Response(null, { status: CLIENT_CLOSED });
    default:
      return body satisfies never;
  }
}

export function busy(detail: string, retryAfter: number = RETRY_SECONDS): Response {
  return problem('busy', { detail, retryAfter });
}

export function tooMany(detail: string, retryAfter: number): Response {
  return problem('too-many-requests', { detail, retryAfter });
}

export function noRoom(shortage: Shortage, headers: Readonly<Record<string, string>> = {}): Response {
  const retryAfter = RETRY_SECONDS;
  return shortage === 'client'
    ? problem('too-many-requests', {
        detail: 'too many bytes of this address are under way',
        retryAfter,
        headers,
      })
    : problem('busy', { detail: 'too many bytes are under way', retryAfter, headers });
}

export function refuseOutcome(outcome: Exclude<JobOutcome, { kind: 'done' }>): Response {
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
