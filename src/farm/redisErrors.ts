import { CipherconvError } from '../../compiler/base/errors.ts';
import type { ErrorDetails } from '../../compiler/base/errors.ts';

/** What a Redis, or the way to it, answered, in words. Texts of a server are foreign: cut, and printed safely. */

type Explanation = Pick<ErrorDetails, 'message' | 'hint'>;

const START = 'start a Redis, or name another with --redis';
const CERTIFICATE = 'trust its authority: --redis-ca FILE, or NODE_EXTRA_CA_CERTS';
const UNTRUSTED: Explanation = { message: 'the certificate of the Redis is not trusted', hint: CERTIFICATE };

const BY_CODE: Readonly<Record<string, Explanation>> = {
  ECONNREFUSED: { message: 'no Redis listens there: connection refused', hint: START },
  ENOTFOUND: { message: 'the host name is not known', hint: START },
  EAI_AGAIN: { message: 'the host name cannot be looked up now', hint: START },
  ETIMEDOUT: {
    message: 'no Redis answers there in time',
    hint: `${START}; redis:// where its port speaks no TLS`,
  },
  EHOSTUNREACH: { message: 'the host cannot be reached', hint: START },
  ENETUNREACH: { message: 'the network cannot be reached', hint: START },
  DEPTH_ZERO_SELF_SIGNED_CERT: UNTRUSTED,
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
  CERT_HAS_EXPIRED: { message: 'the certificate of the Redis has expired' },
  ERR_TLS_CERT_ALTNAME_INVALID: { message: 'the certificate of the Redis is for another name' },
};

const BY_TEXT: readonly (readonly [pattern: RegExp, explanation: Explanation])[] = [
  [
    /WRONGPASS|invalid password|without any password configured/i,
    { message: 'the Redis refuses the user name or password' },
  ],
  [/NOAUTH/, { message: 'the Redis wants a password', hint: 'redis://:PASSWORD@HOST, or REDIS_URL' }],
  [
    /NOPERM/,
    {
      message: 'the user of the Redis may not do this',
      hint: 'a farm needs read and write commands, scripts and INFO',
    },
  ],
  [
    /max number of clients/,
    {
      message: 'the Redis has no room for another client (maxclients)',
      hint: 'raise its maxclients, or end clients that are not needed',
    },
  ],
  [/DB index is out of range/, { message: 'the Redis has no such database' }],
  [
    /wrong version number|packet length too long/,
    { message: 'what listens there speaks no TLS', hint: 'redis:// instead of rediss://' },
  ],
  [/Protocol error|RESP type/, { message: 'what listens there is no Redis', hint: START }],
  [/no answer in/, { message: 'what listens there does not answer as a Redis does', hint: START }],
  [
    /Connection is closed|ECONNRESET|socket hang up|EPIPE/,
    {
      message: 'the connection was closed at once',
      hint: 'is it a Redis, and is its port one with TLS (rediss://)?',
    },
  ],
];

/**
 * A refusal that says why there is no Redis, or what it refused.
 * @param hint in place of the usual one
 */
export function connectFailure(where: string, error: unknown, hint?: string): CipherconvError {
  const { code, text } = partsOf(error);
  const explanation = BY_CODE[code] ?? BY_TEXT.find(([pattern]) => pattern.test(text))?.[1];
  const details = explanation ?? { message: `the Redis cannot be used: ${text.slice(0, 200)}` };
  const advice = hint === undefined ? {} : { hint };
  return new CipherconvError({ code: 'server', where, ...details, ...advice }, { cause: error });
}

/** Whether a Redis that refuses a connection so will do it again: what else it says passes. */
export function isFinalRefusal({ message }: Error): boolean {
  return /^(WRONGPASS|NOAUTH|NOPERM)\b|invalid password|without any password configured|DB index is out of range/i.test(
    message,
  );
}

/** Whether a Redis has no memory left for what it was asked. */
export function isFull(error: unknown): boolean {
  return error instanceof Error && /\bOOM command not allowed/.test(error.message);
}

function partsOf(error: unknown): { readonly code: string; readonly text: string } {
  if (!(error instanceof Error)) return { code: '', text: String(error) };
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return { code, text: error.message };
}
