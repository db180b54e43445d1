import { InvalidArgumentError, Option } from '@commander-js/extra-typings';
import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { CipherconvError } from '../../compiler/base/errors.ts';
import type { Split } from '../farm/pieces.ts';
import { MOST_PIECES } from '../farm/limits.ts';
import { readText } from '../frontend/files.ts';
import type { Terminal } from './terminal.ts';

/** Where the Redis of the farm is. */
export interface RedisFlags {
  readonly redis?: string | undefined;
  readonly redisCa?: string | undefined;
}

/** A password in an environment variable is not in the list of processes. */
const VARIABLE = 'REDIS_URL';

/** Adds the address of the farm's Redis; `redisFlags` reads it. */
export function addRedisFlags(command: CommandUnknownOpts): void {
  command.addOption(
    new Option(
      '--redis <url>',
      `redis://[user:password@]host[:port][/database], or rediss:// with TLS (default: $${VARIABLE}, which keeps a password out of the list of processes)`,
    ),
  );
  command.addOption(
    new Option('--redis-ca <file>', 'certificate of the authority to trust for rediss://, PEM'),
  );
}

export function redisFlags(command: { readonly getOptionValue: (name: string) => unknown }): RedisFlags {
  const text = (name: string): string | undefined => {
    const value = command.getOptionValue(name);
    return typeof value === 'string' ? value : undefined;
  };
  return { redis: text('redis'), redisCa: text('redisCa') };
}

/** What a connection is opened with. */
export interface FarmAddress {
  readonly url: string;
  readonly options: { readonly ca?: string; readonly onNotice: (sentence: string) => void };
}

/** @throws CipherconvError `usage` without an address, `unreadable` for the certificates. */
export async function farmAddress({ redis, redisCa }: RedisFlags, io: Terminal): Promise<FarmAddress> {
  const url = redis ?? process.env[VARIABLE];
  if (url === undefined || url === '') {
    throw new CipherconvError({
      code: 'usage',
      where: '--redis',
      message: 'nobody says where the Redis of the farm is',
      expected: '--redis redis://HOST:PORT',
      hint: `or set ${VARIABLE}, which keeps a password out of the list of processes`,
    });
  }
  const onNotice = (sentence: string): void => {
    io.notice(sentence);
  };
  return { url, options: { onNotice, ...(redisCa === undefined ? {} : { ca: await readText(redisCa) }) } };
}

/** `auto`, `off` or a number of pieces. */
export function splitFlag(text: string): Split {
  if (text === 'auto' || text === 'off') return text;
  const count = Number(text);
  if (/^\d{1,3}$/.test(text) && count >= 1 && count <= MOST_PIECES) return count;
  throw new InvalidArgumentError(`Expected auto, off or a whole number from 1 to ${MOST_PIECES}.`);
}
