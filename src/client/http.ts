import { CipherconvError } from '../../compiler/base/errors.ts';
import { MAX_CLIENT_PLAN_LENGTH, parseClientPlan } from '../frontend/clientPlan.ts';
import { endpointOf } from './endpoint.ts';
import type { Endpoint, EndpointOptions } from './endpoint.ts';
import { openPlan } from './openPlan.ts';
import type { HintOptions } from './openPlan.ts';
import type { RemoteModel } from './remoteModel.ts';
import type { RemotePlan } from './remotePlan.ts';
import { ServerError } from './request.ts';

/** How a server is reached; everything has a default. */
export interface ConnectOptions extends EndpointOptions, HintOptions {
  /**
   * A key that `exportSecretKey` gave for this plan. Default: a fresh one, which is the advice.
   * For plans of one convolution only.
   */
  readonly secretKey?: Uint8Array;
  /** Aborts `connect`; for a deadline, `AbortSignal.timeout(ms)`. */
  readonly signal?: AbortSignal;
}

/** A client of what is served under a digest: of one convolution, or of a whole model. */
export type Remote = RemotePlan | RemoteModel;

/**
 * A client of the plan or model `digest` at a server: fetches the client plan and checks it, that it is the one asked for
 * included. The digest is the caller's to know and to trust; it names the plan, it does not prove who serves it: use TLS.
 * @param url of the server, without /v1
 * @param digest of the plan or model: 64 lowercase hex digits
 * @throws CipherconvError `usage`, `malformed-plan`, `plan-rejected` or `wrong-plan`, or ServerError.
 */
export async function connect(
  url: string | URL,
  digest: string,
  options: ConnectOptions = {},
): Promise<Remote> {
  try {
    return await connectPlan(url, digest, options);
  } catch (error) {
    if (isProblem(error, 'unknown-plan')) return connectModel(url, digest, options);
    throw error;
  }
}

/** `connect` to a plan of one convolution. */
export async function connectPlan(
  url: string | URL,
  digest: string,
  options: ConnectOptions = {},
): Promise<RemotePlan> {
  requireDigest(digest);
  const endpoint = endpointOf(url, `v1/plans/${digest}`, options);
  const text = await fetchPlan(endpoint, MAX_CLIENT_PLAN_LENGTH, options);
  const plan = parseClientPlan(text, 'the served plan');
  requireSame(plan.digest, digest);
  return openPlan(plan, { endpoint, hint: { endpoint, path: '/hint' } }, options);
}

/** `connect` to a whole model. What reads models is loaded then: it is larger than all the rest. */
export async function connectModel(
  url: string | URL,
  digest: string,
  options: ConnectOptions = {},
): Promise<RemoteModel> {
  requireDigest(digest);
  const endpoint = endpointOf(url, `v1/models/${digest}`, options);
  const { MAX_CLIENT_MODEL_LENGTH, openRemoteModel, parseClientModel } = await import('./remoteModel.ts');
  const text = await fetchPlan(endpoint, MAX_CLIENT_MODEL_LENGTH, options);
  const model = parseClientModel(text, 'the served model');
  requireSame(model.digest, digest);
  return openRemoteModel(model, url, options);
}

async function fetchPlan(endpoint: Endpoint, limitBytes: number, options: ConnectOptions): Promise<string> {
  const bytes = await endpoint.send({
    method: 'GET',
    path: '',
    headers: { Accept: 'application/json' },
    body: null,
    limitBytes,
    signal: options.signal ?? null,
  });
  return new TextDecoder().decode(bytes);
}

/** 404 with a problem of this type. */
function isProblem(error: unknown, type: string): boolean {
  if (!(error instanceof ServerError) || error.status !== 404 || error.problemType === null) return false;
  return error.problemType.endsWith(`:${type}`);
}

function requireSame(found: string, expected: string): void {
  if (found === expected) return;
  throw new CipherconvError({
    code: 'wrong-plan',
    where: 'the served plan: digest',
    message: 'the server gave another plan than the one asked for',
    expected,
    found,
  });
}

function requireDigest(digest: string): void {
  if (/^[0-9a-f]{64}$/.test(digest)) return;
  throw new CipherconvError({
    code: 'usage',
    where: 'digest',
    message: 'not a digest',
    expected: '64 lowercase hex digits',
    found: digest.slice(0, 80),
  });
}
