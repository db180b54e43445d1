import { CipherconvError } from '../../compiler/base/errors.ts';
import { MAX_CLIENT_PLAN_LENGTH, parseClientPlan } from '../frontend/clientPlan.ts';
import { contactOf, endpointOf } from './endpoint.ts';
import type { Endpoint, EndpointOptions } from './endpoint.ts';
import { requireOptions } from './given.ts';
import { openPlan } from './openPlan.ts';
import type { HintOptions } from './openPlan.ts';
import type { RemoteModel } from './remoteModel.ts';
import type { RemoteNetwork } from './remoteNetwork.ts';
import type { RemotePlan } from './remotePlan.ts';
import { ServerError } from './request.ts';

/** How a server is reached; everything has a default. */
export interface ConnectOptions extends EndpointOptions, HintOptions {
  /**
   * A key that `exportSecretKey` gave for this plan. Default: a fresh one, which is the advice.
   * For plans of one convolution and networks only.
   */
  readonly secretKey?: Uint8Array;
  /** Aborts `connect`; for a deadline, `AbortSignal.timeout(ms)`. */
  readonly signal?: AbortSignal;
}

/** A client of what is served under a digest: of one convolution, of a network of one round, or of a whole model. */
export type Remote = RemotePlan | RemoteNetwork | RemoteModel;

/**
 * A client of the plan, network or model `digest` at a server: fetches the client plan and checks it, that it is the one
 * asked for included. The digest is the caller's to know and to trust; it names the plan, it does not prove who serves it:
 * use TLS.
 * @param url of the server, without /v1
 * @param digest of the plan, network or model: 64 lowercase hex digits
 * @throws CipherconvError `usage`, `malformed-plan`, `plan-rejected` or `wrong-plan`, or ServerError.
 */
export async function connect(
  url: string | URL,
  digest: string,
  options: ConnectOptions = {},
): Promise<Remote> {
  requireOptions(options);
  const served = await fetchServed(url, digest, options).catch((error: unknown) => {
    if (isProblem(error, 'unknown-plan')) return null;
    throw error;
  });
  if (served === null) return connectModel(url, digest, options);
  return saysNetwork(served.text) ? openNetwork(served, options) : openConvolution(served, options);
}

/** `connect` to a plan of one convolution. */
export async function connectPlan(
  url: string | URL,
  digest: string,
  options: ConnectOptions = {},
): Promise<RemotePlan> {
  return openConvolution(await fetchServed(url, digest, options), options);
}

/** `connect` to a network of one round. What reads networks is loaded then. */
export async function connectNetwork(
  url: string | URL,
  digest: string,
  options: ConnectOptions = {},
): Promise<RemoteNetwork> {
  return openNetwork(await fetchServed(url, digest, options), options);
}

/** What a server has under /v1/plans/{digest}: nothing of it is checked. */
interface ServedText {
  readonly text: string;
  readonly digest: string;
  readonly endpoint: Endpoint;
}

async function fetchServed(url: string | URL, digest: string, options: ConnectOptions): Promise<ServedText> {
  requireOptions(options);
  requireDigest(digest);
  const endpoint = endpointOf(url, `v1/plans/${digest}`, options);
  return { text: await fetchPlan(endpoint, MAX_CLIENT_PLAN_LENGTH, options), digest, endpoint };
}

/** Which reader the text is for; that reader checks it. The format stands in the first lines of either. */
function saysNetwork(text: string): boolean {
  return /"format":\s*"cipherconv-client-network"/.test(text);
}

async function openConvolution(
  { text, digest, endpoint }: ServedText,
  options: ConnectOptions,
): Promise<RemotePlan> {
  const plan = parseClientPlan(text, 'the served plan');
  requireSame(plan.digest, digest);
  return openPlan(plan, { endpoint, hint: { endpoint, path: '/hint' } }, options);
}

async function openNetwork(
  { text, digest, endpoint }: ServedText,
  options: ConnectOptions,
): Promise<RemoteNetwork> {
  const { openRemoteNetwork, parseClientNetwork } = await import('./remoteNetwork.ts');
  const network = parseClientNetwork(text, 'the served plan');
  requireSame(network.digest, digest);
  return openRemoteNetwork(network, endpoint, options);
}

/** `connect` to a whole model. What reads models is loaded then: it is larger than all the rest. */
export async function connectModel(
  url: string | URL,
  digest: string,
  options: ConnectOptions = {},
): Promise<RemoteModel> {
  requireDigest(digest);
  requireOptions(options);
  const contact = contactOf(options);
  const endpoint = endpointOf(url, `v1/models/${digest}`, options, contact);
  const { MAX_CLIENT_MODEL_LENGTH, openRemoteModel, parseClientModel } = await import('./remoteModel.ts');
  const text = await fetchPlan(endpoint, MAX_CLIENT_MODEL_LENGTH, options);
  const model = parseClientModel(text, 'the served model');
  requireSame(model.digest, digest);
  return openRemoteModel(model, url, options, contact);
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

function requireDigest(digest: unknown): void {
  if (typeof digest === 'string' && /^[0-9a-f]{64}$/.test(digest)) return;
  throw new CipherconvError({
    code: 'usage',
    where: 'digest',
    message: 'not a digest',
    expected: '64 lowercase hex digits',
    found: String(digest).slice(0, 80),
  });
}
