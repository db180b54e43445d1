import { lookup } from 'node:dns/promises';
import { BlockList } from 'node:net';
import type { RequestHead } from './peer.ts';
import { problem } from './problems.ts';

/** Which names the server goes by, and which web pages may ask it. */
export interface OriginRules {
  /** Host names, without port, that requests may name; null: any. */
  readonly ownHosts: ReadonlySet<string> | null;
  /** Origins of other pages that may ask, as browsers write them. */
  readonly corsOrigins: ReadonlySet<string>;
}

const LOOPBACK_NAMES = ['localhost', '127.0.0.1', '[::1]'];

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/** Whether a server that listens on `host`, a name or an address in any spelling, listens on this machine only. */
async function isLoopback(host: string): Promise<boolean> {
  try {
    const addresses = await lookup(host, { all: true });
    return addresses.every(({ address, family }) => LOOPBACK.check(address, family === 6 ? 'ipv6' : 'ipv4'));
  } catch {
    // Then nothing can listen on it either, which is the error to tell.
    return true;
  }
}

/**
 * On a loopback address only its own names are taken, and those that are allowed besides: a page from elsewhere whose name
 * was pointed at this machine (DNS rebinding) names another one. On other addresses any, unless some are allowed.
 * @param host that the server listens on
 */
export async function originRules(
  host: string,
  allowedHosts: readonly string[],
  corsOrigins: readonly string[],
): Promise<OriginRules> {
  const isChecked = allowedHosts.length > 0 || (await isLoopback(host));
  const listening = host.includes(':') ? `[${host}]` : host;
  return {
    ownHosts: isChecked
      ? new Set([...LOOPBACK_NAMES, listening, ...allowedHosts].map((name) => name.toLowerCase()))
      : null,
    corsOrigins: new Set(corsOrigins),
  };
}

/** The refusal of a request that names another host, or that a page from elsewhere makes; null: neither. */
export function refuseForeign(rules: OriginRules, head: RequestHead): Response | null {
  const { headers, hosts } = head;
  if (hosts > 1) {
    return problem('malformed', { field: 'Host', expected: 'one', found: `${hosts} of them` });
  }
  if (rules.ownHosts !== null && !rules.ownHosts.has(hostName(headers['host'] ?? ''))) {
    return problem('foreign-host', {
      field: 'Host',
      detail:
        'the request names a host that this server does not go by; serve --allowed-host NAME allows one',
      expected: [...rules.ownHosts].join(', '),
      found: 'another',
    });
  }
  if (!isCrossOrigin(rules, head)) return null;
  return problem('cross-origin', {
    field: headers['origin'] === undefined ? 'Sec-Fetch-Site' : 'Origin',
    detail: 'a page from elsewhere asks; serve --cors ORIGIN allows one',
  });
}

/** Without the port, in lower case. */
function hostName(host: string): string {
  return host.toLowerCase().replace(/:\d*$/, '').replace(/\.$/, '');
}

/** Whether a page of another origin asks. Programs that are no browsers say nothing of either, and may. */
function isCrossOrigin({ corsOrigins }: OriginRules, { headers, method }: RequestHead): boolean {
  const { origin, host } = headers;
  if (origin !== undefined && corsOrigins.has(origin)) return false;
  const site = headers['sec-fetch-site'];
  if (site !== undefined) {
    return site !== 'same-origin' && site !== 'none' && !isNavigation({ headers, method });
  }
  // An old browser, which says where a page comes from only when it sends something or wants to read the answer.
  if (origin === undefined) return false;
  return !URL.canParse(origin) || new URL(origin).host !== host?.toLowerCase();
}

/** Somebody follows a link: the page where it stands learns nothing of the answer. */
function isNavigation({ headers, method }: Pick<RequestHead, 'headers' | 'method'>): boolean {
  return (
    (method === 'GET' || method === 'HEAD') &&
    headers['sec-fetch-mode'] === 'navigate' &&
    headers['sec-fetch-dest'] === 'document'
  );
}
