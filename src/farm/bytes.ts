import type { RedisClient } from './packages.ts';

/** Bytes in a Redis: binary strings with an expiry. */

/** What a key holds, looked at before it is fetched: somebody may have put a terabyte there. */
export type Fetched =
  | { readonly kind: 'there'; readonly bytes: Uint8Array }
  | { readonly kind: 'missing' }
  | { readonly kind: 'wrong'; readonly found: string };

export async function fetchBytes(redis: RedisClient, key: string, length: number): Promise<Fetched> {
  try {
    const found = await redis.strlen(key);
    if (found === 0) return { kind: 'missing' };
    if (found !== length) return { kind: 'wrong', found: `${found} bytes instead of ${length}` };
    const bytes = await redis.getBuffer(key);
    if (bytes === null) return { kind: 'missing' };
    return bytes.length === length ? { kind: 'there', bytes } : { kind: 'wrong', found: 'changing bytes' };
  } catch (error) {
    if (error instanceof Error && error.message.startsWith('WRONGTYPE'))
      return { kind: 'wrong', found: 'no bytes' };
    throw error;
  }
}

/** The same memory as ioredis wants it: it would write any other array as text. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
