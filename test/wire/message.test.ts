import { fc } from '../support/properties.ts';
import { describe, expect, it } from 'vitest';
import { CipherconvError } from '../../compiler/base/errors.ts';
import {
  decodeMessage,
  encodeMessage,
  MESSAGE_HEADER_BYTES,
  messageBytes,
  messageDigest,
} from '../../runtime/wire/message.ts';
import type { MessageKind } from '../../runtime/wire/message.ts';
import { errorOf } from '../support/simple.ts';

const DIGEST = '0123456789abcdef'.repeat(4);
const KINDS: readonly MessageKind[] = ['upload', 'response', 'keys', 'hint'];

describe('messages', () => {
  it('are a header of 40 bytes and the parts', () => {
    const bytes = encodeMessage('upload', DIGEST, [Uint8Array.of(1, 2), Uint8Array.of(), Uint8Array.of(3)]);
    expect(MESSAGE_HEADER_BYTES).toBe(40);
    expect([...bytes.subarray(0, 8)]).toEqual([0x43, 0x43, 0x4e, 0x56, 2, 1, 0, 0]);
    expect(Buffer.from(bytes.subarray(8, 40)).toString('hex')).toBe(DIGEST);
    expect([...bytes.subarray(40)]).toEqual([1, 2, 3]);
    expect(messageDigest(bytes)).toBe(DIGEST);
    expect(messageDigest(bytes.subarray(0, 39))).toBe(null);
  });

  it('read back as they were written, as views', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...KINDS),
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 6 }),
        (kind, digestBytes, parts) => {
          const digest = Buffer.from(digestBytes).toString('hex');
          const lengths = parts.map((part) => part.length);
          const bytes = encodeMessage(kind, digest, parts);
          expect(bytes.length).toBe(messageBytes(lengths));
          const read = decodeMessage(bytes, { kind, digest, lengths });
          expect(read).toEqual(parts);
          for (const part of read) expect(part.buffer).toBe(bytes.buffer);
        },
      ),
    );
  });

  it('of a bad digest are not made', () => {
    for (const digest of ['', DIGEST.toUpperCase(), `${DIGEST}0`, 'g'.repeat(64)])
      expect(errorOf(() => encodeMessage('upload', digest, []))).toMatchObject({ code: 'usage' });
  });

  it.each<[string, (bytes: Uint8Array) => Uint8Array, string, string]>([
    ['nothing at all', () => new Uint8Array(0), 'malformed-message', 'length'],
    ['39 bytes', (bytes) => bytes.slice(0, 39), 'malformed-message', 'length'],
    ['another magic', (bytes) => bytes.fill(0, 3, 4), 'malformed-message', 'magic'],
    ["SEAL's own envelope", (bytes) => bytes.fill(0x5e, 0, 1).fill(0xa1, 1, 2), 'malformed-message', 'magic'],
    ['version 0', (bytes) => bytes.fill(0, 4, 5), 'malformed-message', 'version'],
    ['version 1', (bytes) => bytes.fill(1, 4, 5), 'malformed-message', 'version'],
    ['version 3', (bytes) => bytes.fill(3, 4, 5), 'malformed-message', 'version'],
    ['another kind', (bytes) => bytes.fill(2, 5, 6), 'malformed-message', 'kind'],
    ['the kind of hints', (bytes) => bytes.fill(4, 5, 6), 'malformed-message', 'kind'],
    ['an unknown kind', (bytes) => bytes.fill(9, 5, 6), 'malformed-message', 'kind'],
    ['the first reserved byte set', (bytes) => bytes.fill(1, 6, 7), 'malformed-message', 'reserved'],
    ['the second reserved byte set', (bytes) => bytes.fill(0x80, 7, 8), 'malformed-message', 'reserved'],
    ['another plan', (bytes) => bytes.fill(0, 8, 9).fill(1, 39, 40), 'wrong-plan', 'digest'],
    ['a byte cut off', (bytes) => bytes.slice(0, -1), 'malformed-message', 'length'],
    ['only the header', (bytes) => bytes.slice(0, 40), 'malformed-message', 'length'],
    ['a byte too many', (bytes) => Uint8Array.from([...bytes, 0]), 'malformed-message', 'length'],
    ['itself twice', (bytes) => Uint8Array.from([...bytes, ...bytes]), 'malformed-message', 'length'],
  ])('with %s are refused by the name of the field', (_, change, code, where) => {
    const bytes = change(encodeMessage('upload', DIGEST, [new Uint8Array(100)]));
    const error = errorOf(() => decodeMessage(bytes, { kind: 'upload', digest: DIGEST, lengths: [60, 40] }));
    expect(error).toMatchObject({ code, details: { where } });
  });

  it('of any bytes are refused cleanly', () => {
    const header = fc.uint8Array({ maxLength: 80 });
    fc.assert(
      fc.property(header, (bytes) => {
        const error = errorOf(() => decodeMessage(bytes, { kind: 'response', digest: DIGEST, lengths: [3] }));
        expect(error).toBeInstanceOf(CipherconvError);
      }),
    );
  });
});
