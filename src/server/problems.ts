import { CipherconvError } from '../../compiler/base/errors.ts';

/** Refusals over HTTP: RFC 9457 problem details, made from data. */

/** What went wrong; the last part of the problem's `type`. */
export type ProblemKind =
  | 'malformed'
  | 'foreign-host'
  | 'cross-origin'
  | 'unknown-path'
  | 'unknown-plan'
  | 'unknown-model'
  | 'unknown-layer'
  | 'no-client-plan'
  | 'unknown-evaluation-keys'
  | 'no-hint'
  | 'no-such-range'
  | 'evaluation-keys-disabled'
  | 'method-not-allowed'
  | 'too-slow'
  | 'body-too-large'
  | 'unsupported-media-type'
  | 'too-many-requests'
  | 'evaluation-failed'
  | 'worker-lost'
  | 'busy'
  | 'shutting-down'
  | 'deadline'
  | 'internal';

interface Meaning {
  readonly status: number;
  readonly title: string;
}

const MEANINGS: Readonly<Record<ProblemKind, Meaning>> = {
  malformed: { status: 400, title: 'The request is malformed' },
  'foreign-host': { status: 403, title: 'The request is for another host' },
  'cross-origin': { status: 403, title: 'Pages from elsewhere may not ask' },
  'unknown-path': { status: 404, title: 'There is nothing at this path' },
  'unknown-plan': { status: 404, title: 'No such plan is served' },
  'unknown-model': { status: 404, title: 'No such model is served' },
  'unknown-layer': { status: 404, title: 'The model has no such layer' },
  'no-client-plan': { status: 404, title: 'The client plan of this model is not handed out here' },
  'unknown-evaluation-keys': { status: 404, title: 'No such evaluation keys are held, or no longer' },
  'evaluation-keys-disabled': { status: 404, title: 'This plan takes no evaluation keys' },
  'no-hint': { status: 404, title: 'This plan has no hint' },
  'method-not-allowed': { status: 405, title: 'The path does not take this method' },
  'too-slow': { status: 408, title: 'The body came too slowly' },
  'body-too-large': { status: 413, title: 'The body is too large' },
  'unsupported-media-type': { status: 415, title: 'The body is of an unsupported kind' },
  'no-such-range': { status: 416, title: 'None of these bytes is there' },
  'too-many-requests': { status: 429, title: 'Too many requests from this address' },
  'evaluation-failed': { status: 500, title: 'The evaluation failed' },
  internal: { status: 500, title: 'The server made a mistake' },
  'worker-lost': { status: 503, title: 'The worker was lost during the evaluation' },
  busy: { status: 503, title: 'The server is busy' },
  'shutting-down': { status: 503, title: 'The server is shutting down' },
  deadline: { status: 504, title: 'The evaluation did not end in time' },
};

export const PROBLEM_TYPE = 'application/problem+json';

export interface ProblemDetails {
  readonly detail?: string | undefined;
  /** Which field of the request is wrong. */
  readonly field?: string | undefined;
  readonly expected?: string | undefined;
  readonly found?: string | undefined;
  /** Seconds until it is worth trying again. */
  readonly retryAfter?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The URN that names a kind of problem. */
function problemType(kind: ProblemKind): string {
  return `urn:cipherconv:problem:${kind}`;
}

type ProblemFields = Omit<ProblemDetails, 'retryAfter' | 'headers'>;

/** The document of a refusal. */
export function problemText(kind: ProblemKind, fields: ProblemFields): string {
  const { status, title } = MEANINGS[kind];
  return `${JSON.stringify({ type: problemType(kind), title, status, ...fields })}\n`;
}

/** A refusal as a response. */
export function problem(kind: ProblemKind, details: ProblemDetails = {}): Response {
  const { retryAfter, headers = {}, ...fields } = details;
  return new Response(new TextEncoder().encode(problemText(kind, fields)), {
    status: MEANINGS[kind].status,
    headers: {
      'content-type': PROBLEM_TYPE,
      ...(retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }),
      ...headers,
    },
  });
}

/**
 * The refusal of bytes that our own checks did not take: status 400, naming the field.
 * @throws what it is given, unless it is such a refusal
 */
export function malformedProblem(error: unknown): Response {
  if (!(error instanceof CipherconvError) || !isRefusalOfBytes(error)) throw error;
  const { message, where, expected, found } = error.details;
  return problem('malformed', { detail: message, field: where, expected, found });
}

/** Whether an error is about the bytes of a sender rather than about us. */
export function isRefusalOfBytes({ code }: Pick<CipherconvError, 'code'>): boolean {
  return code === 'malformed-message' || code === 'malformed-tensor' || code === 'wrong-plan';
}
