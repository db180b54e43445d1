import { z } from 'zod';
import { CipherconvError } from '../../compiler/base/errors.ts';
import type { ErrorDetails } from '../../compiler/base/errors.ts';
import { printable } from '../../compiler/base/printable.ts';
import { growingWaitMs, patientWaitMs } from './contact.ts';
import type { Contact, Timer } from './contact.ts';

/**
 * Requests to a server that need not be honest: nothing is read without a bound, redirects are not followed, and the
 * same bytes are sent again only where nothing was learnt from the first time.
 */

/** What a server refused, or failed at. `details.code` is `server`. */
export class ServerError extends CipherconvError {
  /** HTTP status; null when there was no whole answer. */
  readonly status: number | null;
  /** The `type` of the problem details that the server sent, null for none. */
  readonly problemType: string | null;

  constructor(
    details: Omit<ErrorDetails, 'code'>,
    status: number | null,
    problemType: string | null,
    options?: ErrorOptions,
  ) {
    super({ code: 'server', ...details }, options);
    this.name = 'ServerError';
    this.status = status;
    this.problemType = problemType;
  }
}

/** What sends one request; the part of the platform's `fetch` that is used. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export interface RetryPolicy {
  /** Tries of one request, the first included. */
  readonly attempts: number;
  /** Longest wait before a try, milliseconds; a server that asks for more is not tried again. */
  readonly longestWaitMs: number;
  /** How long a server that answered before and answers no more is tried, milliseconds, beside `attempts`. */
  readonly patienceMs: number;
  readonly contact: Contact;
  readonly timer: Timer;
}

export interface Request {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | null;
  /** Most bytes that are read of a good answer. */
  readonly limitBytes: number;
  readonly signal: AbortSignal | null;
}

/** Statuses by which a server says that it did nothing and when to come again. */
const COME_AGAIN = [429, 503];
const LARGEST_PROBLEM_BYTES = 2 ** 16;

type Tried =
  | { readonly kind: 'answered'; readonly response: Response }
  /** Nothing came back: the request may never have arrived. */
  | { readonly kind: 'unanswered'; readonly error: unknown };

/**
 * Sends a request, again after a 429 or 503 with Retry-After, or where no answer came at all; gives the body of a good
 * answer. An answer that broke off is not asked for again. A server that answered before and is gone is waited for.
 * @throws ServerError; the reason of `signal` when that aborts.
 */
export async function send(fetchUrl: Fetch, request: Request, policy: RetryPolicy): Promise<Uint8Array> {
  return await readAnswer(request, await ask(fetchUrl, request, policy));
}

/** The same, up to the head of the answer; its body is still to be read. */
export async function ask(
  fetchUrl: Fetch,
  request: Omit<Request, 'limitBytes'>,
  policy: RetryPolicy,
): Promise<Response> {
  const { timer, contact } = policy;
  let progress: Progress = { attempts: 0, lost: null };
  for (;;) {
    const tried = await tryOnce(fetchUrl, request);
    if (tried.kind === 'answered') contact.answered();
    progress = after(progress, tried, policy);
    const wait = waitBefore(tried, progress, policy);
    if (wait === null) {
      if (tried.kind === 'unanswered') throw unanswered(request, tried.error, progress);
      return tried.response;
    }
    if (tried.kind === 'answered') await tried.response.body?.cancel();
    if (progress.lost !== null) contact.tell();
    await timer.sleep(wait, request.signal);
  }
}

interface Progress {
  /** Tries, those aside that a lost server did not answer. */
  readonly attempts: number;
  /** null while the server is not lost. */
  readonly lost: { readonly failures: number; readonly sinceMs: number; readonly nowMs: number } | null;
}

function after({ attempts, lost }: Progress, tried: Tried, policy: RetryPolicy): Progress {
  const isLost = tried.kind === 'unanswered' && policy.patienceMs > 0 && policy.contact.isLost(tried.error);
  if (!isLost) return { attempts: attempts + 1, lost: null };
  const nowMs = policy.timer.now();
  return { attempts, lost: { failures: (lost?.failures ?? 0) + 1, sinceMs: lost?.sinceMs ?? nowMs, nowMs } };
}

async function tryOnce(fetchUrl: Fetch, request: Omit<Request, 'limitBytes'>): Promise<Tried> {
  const { method, url, headers, body, signal } = request;
  signal?.throwIfAborted();
  try {
    const response = await fetchUrl(url, {
      method,
      headers,
      redirect: 'error',
      cache: 'no-store',
      referrerPolicy: 'no-referrer',
      // A view on shared memory is no body; ours never are.
      ...(body === null ? {} : { body: body as Uint8Array<ArrayBuffer> }),
      ...(signal === null ? {} : { signal }),
    });
    return { kind: 'answered', response };
  } catch (error) {
    signal?.throwIfAborted();
    return { kind: 'unanswered', error };
  }
}

/** Milliseconds until the next try; null: there is none. */
function waitBefore(tried: Tried, { attempts, lost }: Progress, policy: RetryPolicy): number | null {
  if (lost !== null) {
    const { patienceMs } = policy;
    return patientWaitMs(lost.failures, { lostMs: lost.nowMs - lost.sinceMs, patienceMs });
  }
  if (attempts >= policy.attempts) return null;
  if (tried.kind === 'unanswered') return growingWaitMs(attempts, policy.longestWaitMs);
  if (!COME_AGAIN.includes(tried.response.status)) return null;
  const wait = retryAfterMs(tried.response.headers.get('retry-after'));
  return wait === null || wait > policy.longestWaitMs ? null : wait;
}

/** Retry-After: seconds, or a date. */
function retryAfterMs(value: string | null): number | null {
  if (value === null) return null;
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? null : Math.max(0, date - Date.now());
}

/** What a request is called in errors. */
type Asked = Pick<Request, 'method' | 'url' | 'signal'>;

function placeOf({ method, url }: Asked): string {
  return `${method} ${url}`;
}

function unanswered(request: Asked, error: unknown, { lost }: Progress): ServerError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const found = cause instanceof Error ? cause.message : String(cause);
  const tried =
    lost === null
      ? {}
      : {
          expected: `an answer, as before; tried ${lost.failures} times in ${Math.round((lost.nowMs - lost.sinceMs) / 1000)} s`,
          hint: 'see whether the server runs and with which plan, then ask again',
        };
  const details = { where: placeOf(request), message: 'the server does not answer', found, ...tried };
  return new ServerError(details, null, null, { cause: error });
}

/** The whole body of a good answer. */
async function readAnswer(request: Request, response: Response): Promise<Uint8Array> {
  if (!response.ok) throw await refusalOf(request, response);
  const bytes = await readBounded(request, response, request.limitBytes);
  if (bytes !== null) return bytes;
  throw new ServerError(
    {
      where: placeOf(request),
      message: 'the answer is too long',
      expected: `at most ${request.limitBytes} bytes`,
    },
    response.status,
    null,
  );
}

/** Reads up to `limit` bytes; null when there are more. */
async function readBounded(request: Asked, response: Response, limit: number): Promise<Uint8Array | null> {
  if (response.body === null) return new Uint8Array(0);
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      length += next.value.length;
      if (length > limit) {
        await reader.cancel();
        return null;
      }
      chunks.push(next.value);
    }
  } catch (error) {
    request.signal?.throwIfAborted();
    const details = { where: placeOf(request), message: 'the answer broke off', found: `${length} bytes` };
    throw new ServerError(details, response.status, null, { cause: error });
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

/** Characters of a refusal that are shown. */
const LONGEST_ANSWER = 500;

const problemSchema = z.object({
  type: z.string().optional(),
  title: z.string().optional(),
  detail: z.string().optional(),
  field: z.string().optional(),
});

/** What a server says of why, for people to read; it is never acted upon but for its type. */
export async function refusalOf(request: Asked, response: Response): Promise<ServerError> {
  const bytes = await readBounded(request, response, LARGEST_PROBLEM_BYTES).catch(() => null);
  const problem = problemSchema.safeParse(parsed(bytes)).data ?? {};
  const says = [problem.title, problem.field, problem.detail].filter((part) => part !== undefined).join(': ');
  return new ServerError(
    {
      where: placeOf(request),
      message: `the server refused the request with status ${response.status}`,
      ...(says === '' ? {} : { found: shortened(says) }),
    },
    response.status,
    problem.type === undefined ? null : shortened(problem.type),
  );
}

function parsed(bytes: Uint8Array | null): unknown {
  try {
    return bytes === null ? null : JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return null;
  }
}

/** What the server says, on one line and not endless. */
function shortened(text: string): string {
  return printable(text.slice(0, LONGEST_ANSWER));
}
