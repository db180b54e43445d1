import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { CipherconvError } from '../../compiler/base/errors.ts';
import { decodeMessage, messageBytes } from '../../runtime/wire/message.ts';
import type { ClientPlan } from '../frontend/clientPlan.ts';
import type { PlanHint } from '../frontend/planDigest.ts';
import type { HintCache } from './hintCache.ts';
import { refusalOf, ServerError } from './request.ts';

/** How a hint gets from a server, or from where it was kept, to a client: checked, bounded, and again from where it broke off. */

/** Asks for the hint message, from a byte on; each answer may be a whole one or the rest. */
export type AskForHint = (headers: Readonly<Record<string, string>>) => Promise<Response>;

/** Answers that are asked for: one that breaks off is gone on with, not for ever. */
const MOST_ANSWERS = 8;

/**
 * The payload of a hint message, if it is the one that the plan says.
 * @throws CipherconvError `malformed-message`, or `wrong-plan` for a message of another plan.
 */
export function hintPayload(
  { digest, hint }: Pick<ClientPlan, 'digest' | 'hint'>,
  message: Uint8Array,
): Uint8Array {
  const expected = requireHint(hint);
  const [payload = new Uint8Array(0)] = decodeMessage(message, {
    kind: 'hint',
    digest,
    lengths: [expected.bytes],
  });
  if (!isHint(expected, payload)) throw wrongHint(expected, payload);
  return payload;
}

function isHint(hint: PlanHint, payload: Uint8Array): boolean {
  return payload.length === hint.bytes && bytesToHex(sha256(payload)) === hint.sha256;
}

function wrongHint(hint: PlanHint, payload: Uint8Array): CipherconvError {
  return new CipherconvError({
    code: 'malformed-message',
    where: 'hint',
    message: 'this is not the hint that the plan was made with',
    expected: `SHA-256 ${hint.sha256}`,
    found: bytesToHex(sha256(payload)),
    hint: 'get the hint again, and do not trust that place if this happens twice',
  });
}

function requireHint(hint: PlanHint | null): PlanHint {
  if (hint !== null) return hint;
  throw new CipherconvError({ code: 'usage', where: 'hint', message: 'the plan has no hint' });
}

/**
 * The hint of a plan from where it is kept, or else from its server; kept then. What is kept and wrong is downloaded again.
 * @throws CipherconvError `malformed-message` or `wrong-plan` for a hint that is not the plan's; ServerError; the reason of
 * `signal`.
 */
export async function fetchHint(
  plan: ClientPlan,
  ask: AskForHint,
  cache: HintCache | null,
  signal: AbortSignal | null,
): Promise<Uint8Array> {
  const hint = requireHint(plan.hint);
  const kept = await cache?.read(hint).catch(() => null);
  if (kept !== null && kept !== undefined && isHint(hint, kept)) return kept;
  signal?.throwIfAborted();
  const payload = hintPayload(plan, await download(hint, ask, signal));
  // A full disk keeps nobody from what was downloaded.
  await cache?.write(hint, payload).catch(() => undefined);
  return payload;
}

/** The whole message; asks again from where an answer broke off. */
async function download(hint: PlanHint, ask: AskForHint, signal: AbortSignal | null): Promise<Uint8Array> {
  const target = new MessageRoom(messageBytes([hint.bytes]));
  for (let answers = 1; !target.isFull(); answers++) {
    const before = target.length;
    const headers: Record<string, string> =
      before === 0 ? {} : { Range: `bytes=${before}-`, 'If-Range': `"${hint.sha256}"` };
    const response = await ask(headers);
    if (!response.ok) throw await refusalOf({ method: 'GET', url: response.url, signal }, response);
    if (!isRest(response, target)) target.clear();
    const broke = await take(response, target, signal);
    if (target.isFull() || answers < MOST_ANSWERS) continue;
    const cause = broke === null ? {} : { cause: broke };
    throw new ServerError(
      {
        where: 'hint',
        message: 'the hint is cut off',
        expected: `${target.size} bytes`,
        found: `${target.length} bytes`,
      },
      response.status,
      null,
      cause,
    );
  }
  return target.bytes;
}

/** Whether the answer goes on where the message broke off. */
function isRest({ status, headers }: Response, { length, size }: MessageRoom): boolean {
  return status === 206 && headers.get('content-range') === `bytes ${length}-${size - 1}/${size}`;
}

/** Takes what comes; returns what it broke off with, or null. */
async function take(
  response: Response,
  target: MessageRoom,
  signal: AbortSignal | null,
): Promise<Error | null> {
  const reader = (response.body as ReadableStream<Uint8Array> | null)?.getReader();
  try {
    for (let next = await reader?.read(); next?.done === false; next = await reader?.read()) {
      if (target.put(next.value)) continue;
      await reader?.cancel();
      throw new ServerError(
        { where: 'hint', message: 'the answer is too long', expected: `${target.size} bytes` },
        response.status,
        null,
      );
    }
    return null;
  } catch (error) {
    if (error instanceof ServerError) throw error;
    signal?.throwIfAborted();
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** Room for exactly the message that is expected, filled from its beginning on. */
class MessageRoom {
  readonly bytes: Uint8Array<ArrayBuffer>;
  length = 0;

  constructor(size: number) {
    this.bytes = new Uint8Array(size);
  }

  get size(): number {
    return this.bytes.length;
  }

  isFull(): boolean {
    return this.length === this.size;
  }

  clear(): void {
    this.length = 0;
  }

  /** False, and nothing is taken, where it does not fit. */
  put(chunk: Uint8Array): boolean {
    if (this.length + chunk.length > this.size) return false;
    this.bytes.set(chunk, this.length);
    this.length += chunk.length;
    return true;
  }
}
