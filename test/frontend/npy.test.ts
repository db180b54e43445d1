import { fc, runs } from '../support/properties.ts';
import { describe, expect, it } from 'vitest';
import { CipherconvError } from '../../compiler/base/errors.ts';
import { makeTensor } from '../../compiler/base/tensor.ts';
import { decodeNpy, encodeNpy } from '../../src/frontend/npy.ts';
import { npy, refusal } from './fixtures.ts';

const HEADER = "{'descr': '<i2', 'fortran_order': False, 'shape': (2, 2), }\n";
const DATA = new Uint8Array(Int16Array.from([1, -2, 300, -400]).buffer);

describe('.npy', () => {
  it('survives a round trip, in the smallest of int32 and int64', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(4), { maxLength: 4 }).chain((shape) => {
          const count = shape.reduce((product, extent) => product * extent, 1);
          return fc.tuple(
            fc.constant(shape),
            fc.array(fc.maxSafeInteger(), { minLength: count, maxLength: count }),
          );
        }),
        ([shape, values]) => {
          const tensor = makeTensor(
            shape,
            values.map((value) => value + 0),
          );
          const bytes = encodeNpy(tensor);
          expect(decodeNpy(bytes, 'x')).toEqual(tensor);
          const wide = values.some((value) => Math.abs(value) > 2 ** 31);
          expect(new TextDecoder().decode(bytes)).toContain(wide ? "'<i8'" : 'fortran_order');
        },
      ),
    );
    expect(new TextDecoder().decode(encodeNpy(makeTensor([1], [-(2 ** 31)])))).toContain("'<i4'");
    expect(new TextDecoder().decode(encodeNpy(makeTensor([1], [2 ** 31])))).toContain("'<i8'");
  });

  it('starts the data at a multiple of 64 bytes, as NumPy does', () => {
    const bytes = encodeNpy(makeTensor([3], [1, 2, 3]));
    expect(bytes.length % 64).toBe(12);
    expect(bytes[bytes.length - 13]).toBe(0x0a);
  });

  it.each([1, 2, 3])('is read in version %i', (version) => {
    expect(decodeNpy(npy(HEADER, DATA, version), 'x')).toEqual(makeTensor([2, 2], [1, -2, 300, -400]));
  });

  it.each([
    ['|i1', [255], -1],
    ['|u1', [255], 255],
    ['<u2', [1, 2], 513],
    ['<u4', [0, 0, 0, 128], 2 ** 31],
    ['<i8', [254, 255, 255, 255, 255, 255, 255, 255], -2],
    ['<u8', [0, 0, 0, 0, 1, 0, 0, 0], 2 ** 32],
  ])('reads %s', (descr, bytes, value) => {
    const header = `{'descr': '${descr}', 'fortran_order': False, 'shape': (), }`;
    expect(decodeNpy(npy(header, Uint8Array.from(bytes)), 'x')).toEqual(makeTensor([], [value]));
  });

  it.each([
    ['floats', HEADER.replace('<i2', '<f4'), 'floating point', "astype('<i8')"],
    ['big endian', HEADER.replace('<i2', '>i2'), 'not little-endian', "astype('<i2')"],
    ['booleans', HEADER.replace('<i2', '|b1'), 'truth values', '|b1'],
    ['Fortran order', HEADER.replace('False', 'True'), 'Fortran order', 'ascontiguousarray'],
    ['no dictionary', '[1, 2, 3]\n', 'header'],
    ['a structured type', "{'descr': [('x', '<i4')], 'fortran_order': False, 'shape': (2, 2), }", 'header'],
    ['a missing key', "{'descr': '<i2', 'shape': (2, 2), }", 'header'],
    ['a fourth key', HEADER.replace('}', "'more': True}"), 'header'],
    ['a key twice', HEADER.replace('}', "'shape': (2, 2), }"), 'header'],
    ['a negative extent', HEADER.replace('(2, 2)', '(-2, -2)'), 'header'],
    ['code for a shape', HEADER.replace('(2, 2)', '(2, __import__)'), 'header'],
    ['a huge shape', HEADER.replace('(2, 2)', '(9999999999999999, 9999999999999999)'), 'cut off'],
    ['a shape too large', HEADER.replace('(2, 2)', '(2, 3)'), 'cut off', '12 bytes', '8 bytes'],
    ['a shape too small', HEADER.replace('(2, 2)', '(3,)'), 'left over', '6 bytes', '8 bytes'],
    ['thousands of axes', HEADER.replace('(2, 2)', `(${'1,'.repeat(5000)})`), 'header'],
  ])('refuses %s', (_, header, ...parts) => {
    refusal(() => decodeNpy(npy(header, DATA), 'bad.npy'), 'malformed-tensor', 'bad.npy', ...parts);
  });

  it('refuses integers that a double cannot hold', () => {
    const header = "{'descr': '<i8', 'fortran_order': False, 'shape': (1,), }";
    const bytes = new Uint8Array(BigInt64Array.from([2n ** 53n]).buffer);
    refusal(() => decodeNpy(npy(header, bytes), 'x'), 'malformed-tensor', 'element 0', '2^53');
  });

  it('refuses every truncation and survives every changed byte', () => {
    const whole = npy(HEADER, DATA);
    for (let length = 0; length < whole.length; length++) {
      refusal(() => decodeNpy(whole.subarray(0, length), 'x'), 'malformed-tensor');
    }
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(255), (at, byte) => {
        const changed = Uint8Array.from(whole);
        changed[at] = byte;
        try {
          expect(decodeNpy(changed, 'x').data.length).toBeLessThanOrEqual(8);
        } catch (error) {
          expect(error).toBeInstanceOf(CipherconvError);
        }
      }),
      { numRuns: runs(2000) },
    );
  });
});
