import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BitReader, BitWriter, packedBytes } from '../../runtime/wire/bits.ts';

const widths = fc.array(
  fc.tuple(fc.integer({ min: 0, max: 64 }), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })),
);

describe('bit packing', () => {
  it('gives back every value and takes exactly the bits it says', () => {
    fc.assert(
      fc.property(widths, (values) => {
        const cut = values.map(([bits, value]) => ({ bits, value: BigInt.asUintN(bits, value) }));
        const total = cut.reduce((sum, { bits }) => sum + bits, 0);
        const bytes = new Uint8Array(packedBytes(total) + 2);
        const writer = new BitWriter(total);
        for (const { bits, value } of cut)
          writer.put(Number(value & 0xffffffffn), Number(value >> 32n), bits);
        expect(writer.finish(bytes, 1)).toBe(1 + Math.ceil(total / 8));
        // The stream is the integer sum of value * 2^position, little-endian.
        let position = 0n;
        let whole = 0n;
        for (const { bits, value } of cut) {
          whole |= value << position;
          position += BigInt(bits);
        }
        const written = bytes.subarray(1, -1).reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
        expect(written).toBe(whole);
        const reader = new BitReader(bytes.subarray(1, -1));
        for (const { bits, value } of cut) {
          reader.take(bits);
          expect((BigInt(reader.high) << 32n) | BigInt(reader.low)).toBe(value);
        }
        reader.finish('stream');
      }),
      { numRuns: 500 },
    );
  });

  it('refuses filling bits that are not zero', () => {
    const reader = new BitReader(Uint8Array.of(0b11));
    reader.take(1);
    expect(() => {
      reader.finish('stream');
    }).toThrow(/not zero/);
  });
});
