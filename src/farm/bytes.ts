import type { Allocate } from './respReader.ts';
import type { ByteConnection } from './byteConnection.ts';

/** Bytes in a Redis: binary strings with an expiry. */

/** What a key holds, of which no more is fetched than expected: somebody may have put a terabyte there. */
export type Fetched =
  | { readonly kind: 'there'; readonly bytes: Uint8Array }
  | { readonly kind: 'missing' }
  | { readonly kind: 'wrong'; readonly found: string };

/** @param allocate what the bytes are received into, whatever is in it */
export async function fetchBytes(
  redis: ByteConnection,
  key: string,
  length: number,
  allocate: Allocate = (bytes) => Buffer.allocUnsafeSlow(bytes),
): Promise<Fetched> {
  try {
    const bytes = await redis.read(key, length + 1, allocate);
    if (bytes.length === 0) return { kind: 'missing' };
    if (bytes.length === length) return { kind: 'there', bytes };
    const found = bytes.length > length ? 'more' : `${bytes.length} bytes`;
    return { kind: 'wrong', found: `${found} instead of ${length} bytes` };
  } catch (error) {
    if (error instanceof Error && error.message.startsWith('WRONGTYPE'))
      return { kind: 'wrong', found: 'no bytes' };
    throw error;
  }
}
