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
          writer.putRun(Uint32Array.of(Number(value & 0xffffffffn), Number(value >> 32n)), 1, bits);
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
        const pair = new Uint32Array(2);
        for (const { bits, value } of cut) {
          reader.takeRun(pair, 1, bits);
          expect((BigInt(pair[1]!) << 32n) | BigInt(pair[0]!)).toBe(value);
        }
        reader.finish('stream');
      }),
      { numRuns: 500 },
    );
  });

  it('packs a run as it packs its values one by one', () => {
    fc.assert(
      fc.property(
        fc.array(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })),
        fc.integer({ min: 0, max: 64 }),
        (values, bits) => {
          const pairs = Uint32Array.from(
            values.flatMap((value) => {
              const cut = BigInt.asUintN(bits, value);
              return [Number(cut & 0xffffffffn), Number(cut >> 32n)];
            }),
          );
          const total = bits * values.length;
          const [run, single] = [new Uint8Array(packedBytes(total)), new Uint8Array(packedBytes(total))];
          const writer = new BitWriter(total);
          writer.putRun(pairs, values.length, bits);
          writer.finish(run, 0);
          const slow = new BitWriter(total);
          for (let index = 0; index < values.length; index++)
            slow.putRun(pairs.subarray(2 * index, 2 * index + 2), 1, bits);
          slow.finish(single, 0);
          expect(run).toEqual(single);
          const back = new Uint32Array(pairs.length);
          const reader = new BitReader(run);
          reader.takeRun(back, values.length, bits);
          reader.finish('run');
          expect(back).toEqual(pairs);
        },
      ),
    );
  });

  it('refuses filling bits that are not zero', () => {
    const reader = new BitReader(Uint8Array.of(0b11));
    reader.takeRun(new Uint32Array(2), 1, 1);
    expect(() => {
      reader.finish('stream');
    }).toThrow(/not zero/);
  });
});
