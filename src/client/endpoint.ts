import { CipherconvError } from '../../compiler/base/errors.ts';
import { Contact, platformTimer } from './contact.ts';
import type { Timer } from './contact.ts';
import { ask, send } from './request.ts';
import type { Fetch, Request, RetryPolicy } from './request.ts';

/** Where a plan, a model or one of its layers is served. */
export interface Endpoint {
  /** `path` comes after the endpoint's own. */
  send(request: Omit<Request, 'url'> & { readonly path: string }): Promise<Uint8Array>;
  /** Up to the head of the answer. */
  ask(request: Omit<Request, 'url' | 'limitBytes'> & { readonly path: string }): Promise<Response>;
}

/** How requests are sent. */
export interface EndpointOptions {
  /** Sent with every request, say for authorization. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Tries of one request, the first included. Default 4. */
  readonly attempts?: number;
  /** Longest wait before another try, milliseconds. Default 30,000. */
  readonly longestWaitMs?: number;
  /**
   * How long a server that has answered before and that nobody answers for any more is tried again, with the same bytes,
   * milliseconds; 0: it is not waited for. Default 30,000, where `attempts` is not given: a restart goes unnoticed. A server
   * that never answered fails after `attempts`.
   */
  readonly patienceMs?: number;
  /** Told when a server that has answered before does not answer and is tried again; once until it answers. */
  readonly onUnanswered?: () => void;
  /** Default: the platform's. */
  readonly fetch?: Fetch;
  /** The clock of retries. Default: the platform's. */
  readonly timer?: Timer;
}

const DEFAULTS = { attempts: 4, longestWaitMs: 30_000, patienceMs: 30_000 };

/**
 * @param base of the server
 * @param prefix path below it, such as v1/plans/{digest}
 * @param contact what the endpoints of one session share
 * @throws CipherconvError `usage` for what is no address of a server
 */
export function endpointOf(
  base: string | URL,
  prefix: string,
  options: EndpointOptions,
  contact: Contact = contactOf(options),
): Endpoint {
  const url = baseUrl(base);
  const policy: RetryPolicy = {
    attempts: options.attempts ?? DEFAULTS.attempts,
    longestWaitMs: options.longestWaitMs ?? DEFAULTS.longestWaitMs,
    patienceMs: options.patienceMs ?? (options.attempts === undefined ? DEFAULTS.patienceMs : 0),
    contact,
    timer: options.timer ?? platformTimer,
  };
  const fetchUrl: Fetch = options.fetch ?? ((address, init) => fetch(address, init));
  const located = <T extends Pick<Request, 'headers' | 'body'>>({
    path,
    ...request
  }: T & { readonly path: string }): Omit<T, 'path'> & Pick<Request, 'url' | 'headers' | 'body'> => {
    const sent: Record<string, string> = { ...options.headers, ...request.headers };
    if (request.body !== null) sent['Content-Type'] = 'application/octet-stream';
    return { ...request, url: new URL(`${prefix}${path}`, url).href, headers: sent };
  };
  return {
    send: (request) => send(fetchUrl, located(request), policy),
    ask: (request) => ask(fetchUrl, located(request), policy),
  };
}

/** A session that begins. */
export function contactOf({ onUnanswered }: EndpointOptions): Contact {
  return new Contact(onUnanswered);
}

/** The server's address as a folder, so that paths are found below it. */
function baseUrl(base: string | URL): URL {
  const given = String(base);
  const url = URL.canParse(given) ? new URL(given) : null;
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new CipherconvError({
      code: 'usage',
      where: 'url',
      message: 'not the address of a server',
      expected: 'an http or https URL',
      found: given.slice(0, 200),
    });
  }
  url.search = '';
  url.hash = '';
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  return url;
}
