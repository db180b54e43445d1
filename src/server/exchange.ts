import type { BudgetAccount } from './byteBudget.ts';
import { clientOf } from './rateLimit.ts';
import { noRoom, refuseBody } from './refusals.ts';
import { readBody, refuseAnnounced } from './requestBody.ts';
import type { BodyLimits } from './requestBody.ts';
import type { AppContext, AppState } from './state.ts';

interface Exchange {
  readonly limits: BodyLimits;
  /** Of a good response; 0 where it is short. */
  readonly responseBytes: number;
}

/**
 * Receives the body and hands it on, with the account that its bytes are charged to as they come; what the response takes is
 * charged by `use`, when there is something to respond to. All of it counts as taken until the response is sent. A head
 * alone takes nothing.
 */
export async function withBody(
  state: AppState,
  context: AppContext,
  { limits, responseBytes }: Exchange,
  use: (bytes: Uint8Array, account: BudgetAccount) => Response | Promise<Response>,
): Promise<Response> {
  const { peer } = context.env;
  const announced = refuseAnnounced(peer.body.announced, limits);
  if (announced !== null) return refuseBody(announced, limits);
  const client = clientOfRequest(context);
  // Looked at, not taken: refuses early what would be refused half-way.
  const shortage = state.budget.shortage(client, limits.expected + responseBytes);
  if (shortage !== null) return noRoom(shortage);
  const account = state.budget.open(client);
  peer.onClose(() => {
    account.close();
  });
  const body = await readBody(peer.body, limits, account, state.pace);
  if (body.kind !== 'whole') return refuseBody(body, limits);
  peer.hold();
  context.set('bytesIn', body.bytes.length);
  const response = await use(body.bytes, account);
  peer.endSlowReader(sendTimeMs(state, responseBytes));
  return response;
}

/**
 * Sends bytes that lie in memory for everybody. They count as taken until they are sent all the same: a connection may
 * hold a copy.
 */
export function sendBytes(
  state: AppState,
  context: AppContext,
  bytes: Uint8Array<ArrayBuffer>,
  init: { readonly status: number; readonly headers: Readonly<Record<string, string>> },
): Response {
  const { peer } = context.env;
  const account = state.budget.open(clientOfRequest(context));
  const shortage = account.take(bytes.length);
  if (shortage !== null) return noRoom(shortage);
  peer.onClose(() => {
    account.close();
  });
  peer.endSlowReader(sendTimeMs(state, bytes.length));
  context.set('bytesOut', bytes.length);
  return new Response(bytes, init);
}

export function clientOfRequest({ env }: AppContext): string {
  return clientOf(env.peer.address);
}

/** A response must be fetched as fast as a body must be sent. */
function sendTimeMs({ pace, sendTimeoutMs }: AppState, bytes: number): number {
  if (pace.bytesPerSecond === 0) return sendTimeoutMs;
  return Math.min(sendTimeoutMs, pace.graceMs + (bytes / pace.bytesPerSecond) * 1000);
}
