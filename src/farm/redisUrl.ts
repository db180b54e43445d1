import { isIP } from 'node:net';
import { CipherconvError } from '../../compiler/base/errors.ts';
import type { RedisOptions } from './packages.ts';

/** Where a Redis is, and how it is shown: without user name and password. */
export interface RedisAddress {
  readonly shown: string;
  readonly options: RedisOptions;
}

const DEFAULT_PORT = 6379;
const EXPECTED = 'redis://[user:password@]host[:port][/database], or rediss:// with TLS';

/**
 * Reads the address of a Redis. What it refuses is never quoted: there may be a password in it.
 * @param ca certificates of authorities, PEM, that are trusted instead of the system's; null: the system's
 * @throws CipherconvError `usage`.
 */
export function parseRedisUrl(text: string, ca: string | null): RedisAddress {
  if (!URL.canParse(text)) refuse('the address of the Redis is no URL');
  const url = new URL(text);
  const isTls = url.protocol === 'rediss:';
  if (!isTls && url.protocol !== 'redis:') refuse('the address of the Redis has another scheme');
  if (url.hostname === '') refuse('the address of the Redis names no host');
  if (url.search !== '' || url.hash !== '')
    refuse('the address of the Redis has a query, which says nothing');
  if (!isTls && ca !== null) refuse('certificates are for connections with TLS', 'rediss://...');
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const port = url.port === '' ? DEFAULT_PORT : Number(url.port);
  const db = databaseOf(url.pathname);
  return {
    shown: `${url.protocol}//${url.hostname}:${port}${db === 0 ? '' : `/${db}`}`,
    options: {
      host,
      port,
      db,
      ...(url.username === '' ? {} : { username: decoded(url.username) }),
      ...(url.password === '' ? {} : { password: decoded(url.password) }),
      ...(isTls ? { tls: tlsOf(host, ca) } : {}),
    },
  };
}

/** An address is no name that a server could have several certificates for. */
function tlsOf(host: string, ca: string | null): NonNullable<RedisOptions['tls']> {
  return { ...(isIP(host) === 0 ? { servername: host } : {}), ...(ca === null ? {} : { ca }) };
}

function databaseOf(path: string): number {
  if (path === '' || path === '/') return 0;
  const number = /^\/(\d{1,5})$/.exec(path)?.[1];
  return number === undefined ? refuse('the database of the Redis is no number') : Number(number);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return refuse(
      'a % in the user name or password of the Redis is not followed by two hex digits',
      '%25 for a %',
    );
  }
}

function refuse(message: string, expected: string = EXPECTED): never {
  throw new CipherconvError({ code: 'usage', where: 'redis', message, expected });
}
